#pragma once

#include <limits>
#include <span>
#include <string>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
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

/// The candidate that the engine's plan names, or else the cheapest one that supports the problem.
/// \throws Error when the named one does not exist or does not support the problem
template <class Problem, class Run>
const Candidate<Problem, Run>& select(const CandidateList<Problem, Run>& list,
                                      const Problem& problem) {
  const Machine machine = Machine::current();
  const std::string_view wanted = Engine::current().plan().choice(list.operation);
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

/// Runs the selected candidate on a problem that can tell its number of `operations()`.
template <class Problem, class Run, class... Memory>
void run_selected(const CandidateList<Problem, Run>& list, const Problem& problem,
                  Memory... memory) {
  const Candidate<Problem, Run>& selected = select(list, problem);
  Profile::kernel(selected.name, problem.operations());
  selected.run(problem, memory...);
}

}  // namespace espalier::backend
