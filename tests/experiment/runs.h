#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "espalier/compress/config/yaml.h"
#include "espalier/datasets/subset.h"
#include "espalier/experiment/experiment.h"
#include "support/files.h"

/// Runs that take a moment, and what is left of them.
namespace espalier::test {

/// 3 epochs of 6 steps; `lines` are added.
inline experiment::TrainConfig small_config(const std::string& lines,
                                            const std::string& model = "lenet300") {
  return experiment::TrainConfig::from(
      compress::parse_yaml("model: " + model +
                               "\n"
                               "data: {name: synthetic, limit: 110}\n"
                               "batch: 20\n"
                               "epochs: 3\n"
                               "threads: 1\n"
                               "checkpoint: {seconds: 1000}\n" +
                               lines,
                           "small.yaml"));
}

/// The first test pictures of a run are enough to judge it by.
inline experiment::TrainingData small_data(const experiment::TrainConfig& config) {
  experiment::TrainingData data = open_data(config);
  data.evaluation = datasets::first_samples(data.evaluation, 30);
  return data;
}

/// What must not depend on where a training was stopped.
struct Result {
  testing::Bytes weights;
  testing::Bytes masks;              ///< of all epochs
  std::vector<std::string> metrics;  ///< lines without the times
  bool operator==(const Result&) const = default;
};

inline Result result_of(const std::string& folder) {
  Result result{testing::content_of(folder + "/model.safetensors"),
                testing::content_of(folder + "/mask_history"),
                {}};
  std::ifstream metrics(folder + "/metrics.jsonl");
  for (std::string line; std::getline(metrics, line);)
    result.metrics.push_back(line.substr(0, line.find(",\"images_per_second\"")));
  return result;
}

/// Trains in a new folder, or goes on in an old one, for at most `steps` steps.
/// \return whether it came to the end
inline bool train(const experiment::TrainConfig& config, const std::string& path, int steps,
                  experiment::Observer& observer) {
  experiment::RunFolder folder = std::filesystem::exists(path + "/config.yaml")
                                     ? experiment::RunFolder::reopen(path)
                                     : experiment::RunFolder::create(path, "", config, false);
  experiment::Experiment experiment(folder.config(), begin_of(folder));
  return experiment.run(small_data(config), folder, observer, [&] { return --steps == 0; })
      .has_value();
}

inline bool train(const experiment::TrainConfig& config, const std::string& path, int steps = -1) {
  experiment::Observer observer;
  return train(config, path, steps, observer);
}

}  // namespace espalier::test
