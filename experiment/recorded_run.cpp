#include "espalier/experiment/recorded_run.h"

#include <filesystem>
#include <fstream>

#include "espalier/experiment/run_folder.h"
#include "espalier/nn/io/weights.h"

namespace espalier::experiment {

RecordedRun read_run(const std::string& folder) {
  const std::filesystem::path path(folder);
  TrainConfig config = read_train_config((path / run_file::config).string());
  RecordedRun run{config, config.model.make(), std::nullopt};
  const std::filesystem::path weights = path / run_file::weights;
  if (std::filesystem::exists(weights)) nn::load_weights(run.model, weights.string());

  std::ifstream metrics(path / run_file::metrics);
  std::string last;
  for (std::string line; std::getline(metrics, line);) {
    if (!metrics.eof()) last = line;  // a line without its end is still being written
  }
  if (!last.empty()) run.last = EpochMetrics::from_line(last, config.accuracy_key());
  return run;
}

}  // namespace espalier::experiment
