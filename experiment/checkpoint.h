#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "espalier/nn/io/state.h"

namespace espalier::experiment {

/// Where a run comes from that was not trained but made of another one.
struct Origin {
  std::string run = {};      ///< the folder of that one, an absolute path; empty: there is none
  std::string command = {};  ///< the command line that made it
};

/// What a run was started with beside its configuration.
struct RunFacts {
  std::string data_dir = {};  ///< where its pictures were, if that is not in the configuration
  bool with_dense = false;    ///< the same training without compression comes first
  Origin origin = {};
};

/// The file `checkpoint` of a run: what the run was started with and, once training has begun, the
/// whole state of that. `nn::StateFile` is the format; names begin with `run` or `training`.
struct Checkpoint {
  RunFacts facts;
  std::string config;  ///< the configuration as run, YAML
  /// Of the model, its compressors, the optimizer, the schedule and the trainer.
  nn::State training;
  /// `program`, `instruction_set` and `threads` of whoever wrote it.
  std::map<std::string, std::string> written_by;

  bool has_training() const { return !training.values.empty(); }
  int epoch() const;      ///< epochs that are done
  int64_t batch() const;  ///< batches done in the epoch after those
  /// `the end of epoch 2` or `epoch 3 after 17 batches`, epochs counted from 1.
  std::string place() const;

  /// Warns with `Engine::warn` when the current engine does not compute as the one that wrote it,
  /// because then the training will not end in the very same weights.
  void warn_if_elsewhere() const;
};

/// Writes the file in one go, with what the current engine is. \throws Error; the old file stays
void write_checkpoint(const std::string& path, Checkpoint checkpoint);

/// Nothing if there is no such file. \throws Error when it is damaged, cut short or no checkpoint
std::optional<Checkpoint> read_checkpoint(const std::string& path);

}  // namespace espalier::experiment
