#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <string>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/profile.h"

/// autograd/backend/: kernels on plain memory. For each operation there is a list of candidates
/// that compute the same; `reference/` holds the naive ones in double precision that all others are
/// tested against. Nothing above this folder knows which one runs.
namespace espalier::backend {

/// What the choice between candidates may depend on, beside the sizes of the problem.
struct Machine {
  InstructionSet instruction_set;
  int threads;
  static Machine current() {
    const Engine& engine = Engine::current();
    return {engine.instruction_set(), engine.threads()};
  }
};

/// One way to compute an operation. `Problem` holds the sizes, `Run` is a function type or, for a
/// family of small kernels, a table of functions.
template <class Problem, class Run>
struct Candidate {
  const char* name;
  bool (*supports)(const Problem&, const Machine&);
  double (*cost)(const Problem&,
                 const Machine&);  ///< rough nanoseconds; the smallest one is chosen
  const Run* run;
};

template <class Problem, class Run>
struct CandidateList {
  const char* operation;  ///< its name in a kernel plan
  std::span<const Candidate<Problem, Run>> candidates;
};

/// The candidate that the engine's plan names for a problem; empty if it leaves the choice open.
template <class Problem>
std::string_view planned(const char* operation, const Problem& problem) {
  const KernelPlan& plan = Engine::current().plan();
  if constexpr (requires { problem.describe(); }) {
    if (plan.knows_problems()) {
      const std::string_view choice = plan.choice(operation, problem.describe());
      if (!choice.empty()) return choice;
    }
  }
  return plan.choice(operation);
}

/// The candidate that the engine's plan names, or else the cheapest one that supports the problem.
/// \throws Error when the named one does not exist or does not support the problem
template <class Problem, class Run>
const Candidate<Problem, Run>& select(const CandidateList<Problem, Run>& list,
                                      const Problem& problem) {
  const Machine machine = Machine::current();
  const std::string_view wanted = planned(list.operation, problem);
  const Candidate<Problem, Run>* best = nullptr;
  double best_cost = std::numeric_limits<double>::infinity();
  for (const Candidate<Problem, Run>& candidate : list.candidates) {
    if (!wanted.empty() && wanted != candidate.name) continue;
    if (!candidate.supports(problem, machine)) continue;
    const double cost = wanted.empty() ? candidate.cost(problem, machine) : 0.0;
    if (!best || cost < best_cost) {
      best = &candidate;
      best_cost = cost;
    }
  }
  if (!best) {
    throw Error(list.operation, "no kernel named '" + std::string(wanted) +
                                    "' supports this problem on this machine");
  }
  return *best;
}

/// Has every candidate that may be the fastest compute a problem, and tells the engine's plan which
/// one was.
template <class Problem, class Run, class... Memory>
void measure(const CandidateList<Problem, Run>& list, const Problem& problem, Memory... memory) {
  // Far behind by estimate: the definitions, above all.
  constexpr double hopeless = 20;
  constexpr int repetitions = 3;
  const Machine machine = Machine::current();
  double least_cost = std::numeric_limits<double>::infinity(), least_seconds = least_cost;
  for (const auto& candidate : list.candidates) {
    if (candidate.supports(problem, machine))
      least_cost = std::min(least_cost, candidate.cost(problem, machine));
  }
  const char* fastest = nullptr;
  for (const auto& candidate : list.candidates) {
    if (!candidate.supports(problem, machine) ||
        candidate.cost(problem, machine) > hopeless * least_cost)
      continue;
    candidate.run(problem, memory...);  // prepares what it keeps
    for (int i = 0; i < repetitions; ++i) {
      const double start = Profile::now();
      candidate.run(problem, memory...);
      const double seconds = Profile::now() - start;
      if (seconds >= least_seconds) continue;
      least_seconds = seconds;
      fastest = candidate.name;
    }
  }
  Engine::current().plan().choose(std::string(list.operation) + " " + problem.describe(), fastest);
}

/// Runs the selected candidate on a problem that can `describe()` itself, tell its number of
/// `operations()` and whether it `adds` to what its result held before.
template <class Problem, class Run, class... Memory>
void run_selected(const CandidateList<Problem, Run>& list, const Problem& problem,
                  Memory... memory) {
  KernelPlan& plan = Engine::current().plan();
  if (plan.measures() && !in_parallel() && !problem.adds() &&
      plan.choice(list.operation, problem.describe()).empty()) {
    plan.measure(false);  // not what candidates run on
    measure(list, problem, memory...);
    plan.measure(true);
  }
  const Candidate<Problem, Run>& selected = select(list, problem);
  Profile::kernel(selected.name, problem.operations());
  selected.run(problem, memory...);
}

}  // namespace espalier::backend
