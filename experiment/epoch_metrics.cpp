#include "espalier/experiment/epoch_metrics.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "espalier/autograd/core/error.h"

namespace espalier::experiment {

using Json = nlohmann::ordered_json;

EpochMetrics EpochMetrics::of(const nn::EpochReport& report,
                              const std::vector<compress::LayerSparsity>& weights) {
  EpochMetrics metrics{.epoch = report.epoch,
                       .step = report.step,
                       .train_loss = report.train_loss,
                       .accuracy = report.accuracy,
                       .sparsity = total_sparsity(weights).sparsity(),
                       .layers = {},
                       .learning_rate = report.learning_rate,
                       .images_per_second = report.images_per_second,
                       .seconds = report.seconds};
  for (const compress::LayerSparsity& layer : weights)
    metrics.layers.push_back({layer.layer, layer.sparsity()});
  return metrics;
}

std::string EpochMetrics::to_line(const std::string& accuracy_key) const {
  Json by_layer = Json::object();
  for (const auto& [layer, zeros] : layers) by_layer[layer] = zeros;
  const Json line = {{"epoch", epoch},
                     {"step", step},
                     {"train_loss", train_loss},
                     {accuracy_key, accuracy},
                     {"sparsity", sparsity},
                     {"layers", by_layer},
                     {"learning_rate", learning_rate},
                     {"images_per_second", images_per_second},
                     {"seconds", seconds}};
  return line.dump();
}

EpochMetrics EpochMetrics::from_line(const std::string& line, const std::string& accuracy_key) {
  try {
    const Json json = Json::parse(line);
    EpochMetrics metrics{.epoch = json.at("epoch"),
                         .step = json.at("step"),
                         .train_loss = json.at("train_loss"),
                         .accuracy = json.at(accuracy_key),
                         .sparsity = json.at("sparsity"),
                         .layers = {},
                         .learning_rate = json.at("learning_rate"),
                         .images_per_second = json.at("images_per_second"),
                         .seconds = json.at("seconds")};
    for (const auto& [layer, zeros] : json.at("layers").items()) {
      metrics.layers.push_back({layer, zeros.get<double>()});
    }
    return metrics;
  } catch (const nlohmann::json::exception& error) {
    throw Error("metrics", std::string("the last line cannot be read: ") + error.what());
  }
}

std::optional<EpochMetrics> last_metrics(const std::string& path, const std::string& accuracy_key) {
  std::ifstream metrics(path);
  std::string last;
  for (std::string line; std::getline(metrics, line);) {
    if (!metrics.eof()) last = line;  // a line without its end is still being written
  }
  if (last.empty()) return std::nullopt;
  return EpochMetrics::from_line(last, accuracy_key);
}

}  // namespace espalier::experiment
