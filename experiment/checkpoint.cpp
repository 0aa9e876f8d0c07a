#include "espalier/experiment/checkpoint.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/version.h"
#include "espalier/nn/io/state_file.h"

namespace espalier::experiment {
namespace {

constexpr std::string_view training_prefix = "training.";

std::map<std::string, std::string> here() {
  const Engine& engine = Engine::current();
  return {{"program", "espalier " + std::string(version())},
          {"instruction_set", std::string(to_string(engine.instruction_set()))},
          {"threads", std::to_string(engine.threads())}};
}

int64_t number(const nn::State& state, std::string_view name) {
  const auto found = state.values.find(name);
  const int64_t* value =
      found == state.values.end() ? nullptr : std::get_if<int64_t>(&found->second);
  if (!value) throw Error("checkpoint", fmt::format("there is no number '{}' in it", name));
  return *value;
}

/// \param with_origin  runs that were trained have none on record
void visit_facts(nn::StateVisitor& state, Checkpoint& checkpoint, bool with_origin) {
  const nn::StateVisitor::Scope scope(state, "run");
  state("config", checkpoint.config);
  state("data_dir", checkpoint.facts.data_dir);
  state("with_dense", checkpoint.facts.with_dense);
  if (!with_origin) return;
  state("made_from", checkpoint.facts.origin.run);
  state("made_by", checkpoint.facts.origin.command);
}

}  // namespace

int Checkpoint::epoch() const {
  return has_training() ? static_cast<int>(number(training, "training.trainer.epoch")) : 0;
}

int64_t Checkpoint::batch() const {
  return has_training() ? number(training, "training.trainer.batch") : 0;
}

std::string Checkpoint::place() const {
  if (batch() == 0) return fmt::format("the end of epoch {}", epoch());
  return fmt::format("epoch {} after {} batches", epoch() + 1, batch());
}

void Checkpoint::warn_if_elsewhere() const {
  for (const auto& [what, now] : here()) {
    const auto then = written_by.find(what);
    if (then == written_by.end() || then->second == now) continue;
    Engine::current().warn(
        fmt::format("[checkpoint] the training began with {} '{}' and goes on with '{}': it will "
                    "not end in the "
                    "very same weights",
                    what, then->second, now));
  }
}

void write_checkpoint(const std::string& path, Checkpoint checkpoint) {
  nn::StateFile file{std::move(checkpoint.training), here()};
  nn::StateVisitor visitor = nn::StateVisitor::saving(file.state);
  visit_facts(visitor, checkpoint, !checkpoint.facts.origin.run.empty());
  nn::write_state_file(path, file);
}

std::optional<Checkpoint> read_checkpoint(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  nn::StateFile file = nn::read_state_file(path);
  Checkpoint checkpoint;
  checkpoint.written_by = std::move(file.metadata);
  nn::StateVisitor visitor = nn::StateVisitor::restoring(file.state);
  visit_facts(visitor, checkpoint, file.state.values.contains("run.made_from"));
  for (auto& [name, value] : file.state.values) {
    if (name.starts_with(training_prefix)) checkpoint.training.values[name] = std::move(value);
  }
  return checkpoint;
}

}  // namespace espalier::experiment
