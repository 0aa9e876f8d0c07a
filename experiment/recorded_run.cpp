#include "espalier/experiment/recorded_run.h"

#include <filesystem>

#include "espalier/autograd/core/error.h"
#include "espalier/experiment/compressors.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/experiment/start_weights.h"
#include "espalier/nn/io/weights.h"

namespace espalier::experiment {

RecordedRun read_run(const std::string& folder) {
  const std::filesystem::path path(folder);
  TrainConfig config = read_train_config((path / run_file::config).string());
  RecordedRun run{config, config.model.make(), make_compressors(config), std::nullopt};
  const std::filesystem::path weights = path / run_file::weights;
  run.has_weights = std::filesystem::exists(weights);
  if (run.has_weights) fit_to_weights(run.model, config.model.sample, weights.string());
  for (const auto& compressor : run.compressors) compressor->attach_for_evaluation(run.model);
  if (run.has_weights) nn::load_weights(run.model, weights.string());
  run.last = last_metrics((path / run_file::metrics).string(), config.accuracy_key());
  // Whether quantization has begun depends on it.
  if (run.last) {
    for (const auto& compressor : run.compressors) {
      if (compressor->attached()) compressor->update_epoch(run.last->epoch);
    }
  }
  return run;
}

namespace {

RunFacts recorded_facts(const std::string& folder) {
  try {
    const auto checkpoint =
        read_checkpoint((std::filesystem::path(folder) / run_file::checkpoint).string());
    return checkpoint ? checkpoint->facts : RunFacts();
  } catch (const Error&) {
    return {};  // a damaged checkpoint does not stand in the way of whoever wants the weights only
  }
}

}  // namespace

std::string recorded_data_dir(const std::string& folder) {
  return recorded_facts(folder).data_dir;
}

Origin recorded_origin(const std::string& folder) {
  return recorded_facts(folder).origin;
}

}  // namespace espalier::experiment
