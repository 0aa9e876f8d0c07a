#include "espalier/experiment/training_state.h"

#include <fmt/format.h>

#include <map>
#include <sstream>
#include <string_view>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/structure/channel_removal.h"
#include "espalier/nn/io/model_state.h"

namespace espalier::experiment {
namespace {

/// The kernels that were chosen: others may round in another way.
void visit_kernel_plan(nn::StateVisitor& state) {
  KernelPlan& plan = Engine::current().plan();
  std::string text;
  for (const auto& [operation, candidate] : plan.choices())
    text += operation + " " + candidate + "\n";
  state("kernel_plan", text);
  if (!state.restores()) return;
  plan.clear();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.rfind(' ');  // names of kernels have none
    plan.choose(line.substr(0, space), line.substr(space + 1));
  }
}

void require_same(nn::StateVisitor& state, const char* name, int64_t now) {
  int64_t saved = now;
  state(name, saved);
  if (saved == now) return;
  throw Error("checkpoint",
              fmt::format("the data is not what the training began with: it had {} {} "
                          "then and has {} now",
                          saved, name, now));
}

void require_same_teacher(nn::StateVisitor& state, const Teacher& teacher) {
  int64_t saved = teacher.checksum;
  state("teacher_checksum", saved);
  if (saved == teacher.checksum) return;
  throw Error("checkpoint",
              fmt::format("the teacher '{}' is not what the training began with: its weights have "
                          "changed since; put them back, or start a new run",
                          teacher.folder));
}

/// Of the parameters that a state holds, by their path.
std::map<std::string, Shape> parameter_shapes(const nn::State& state) {
  constexpr std::string_view prefix = "training.model.", suffix = ".latent";
  std::map<std::string, Shape> shapes;
  for (const auto& [name, value] : state.values) {
    const Tensor* tensor = std::get_if<Tensor>(&value);
    if (!tensor || !name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    const size_t length = name.size() - prefix.size() - suffix.size();
    shapes[name.substr(prefix.size(), length)] = tensor->shape();
  }
  return shapes;
}

}  // namespace

nn::State TrainingState::save() {
  nn::State state;
  nn::StateVisitor visitor = nn::StateVisitor::saving(state);
  visit(visitor);
  return state;
}

void TrainingState::restore(nn::State& state) {
  compress::fit_channels(model, sample, parameter_shapes(state));
  nn::StateVisitor visitor = nn::StateVisitor::restoring(state);
  visit(visitor);
  visitor.require_all_used();
}

void TrainingState::visit(nn::StateVisitor& state) {
  const nn::StateVisitor::Scope scope(state, "training");
  require_same(state, "training samples", samples);
  require_same(state, "evaluation samples", evaluation_samples);
  if (teacher) require_same_teacher(state, *teacher);
  visit_kernel_plan(state);
  {
    const nn::StateVisitor::Scope of_model(state, "model");
    nn::visit_model_state(model, state);
  }
  for (size_t i = 0; i < compressors.size(); ++i) {
    const nn::StateVisitor::Scope of_compressor(state, fmt::format("compressor.{}", i));
    compressors[i]->visit_state(state);
  }
  const nn::StateVisitor::Scope of_trainer(state, "trainer");
  trainer.visit_state(state);
}

}  // namespace espalier::experiment
