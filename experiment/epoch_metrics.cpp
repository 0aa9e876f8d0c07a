#include "espalier/experiment/epoch_metrics.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "espalier/autograd/core/error.h"

namespace espalier::experiment {

using Json = nlohmann::ordered_json;

EpochMetrics EpochMetrics::of(const nn::EpochReport& report,
                              const std::vector<compress::LayerSparsity>& weights,
                              std::optional<double> target_sparsity) {
  EpochMetrics metrics{.epoch = report.epoch,
                       .step = report.step,
                       .train_loss = report.train_loss,
                       .accuracy = report.accuracy,
                       .sparsity = total_sparsity(weights).sparsity(),
                       .target_sparsity = target_sparsity,
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
  Json line = {{"epoch", epoch},
               {"step", step},
               {"train_loss", train_loss},
               {accuracy_key, accuracy},
               {"sparsity", sparsity}};
  if (target_sparsity) line["target_sparsity"] = *target_sparsity;
  line["layers"] = by_layer;
  line["learning_rate"] = learning_rate;
  line["images_per_second"] = images_per_second;
  line["seconds"] = seconds;
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
                         .target_sparsity = {},
                         .layers = {},
                         .learning_rate = json.at("learning_rate"),
                         .images_per_second = json.at("images_per_second"),
                         .seconds = json.at("seconds")};
    if (const auto target = json.find("target_sparsity"); target != json.end())
      metrics.target_sparsity = target->get<double>();
    for (const auto& [layer, zeros] : json.at("layers").items()) {
      metrics.layers.push_back({layer, zeros.get<double>()});
    }
    return metrics;
  } catch (const nlohmann::json::exception&) {
    throw Error("metrics", "this is no line of metrics: " + line.substr(0, 60));
  }
}

namespace {

std::vector<std::string> whole_lines(const std::string& path) {
  std::ifstream metrics(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(metrics, line);) {
    if (!metrics.eof()) lines.push_back(line);  // a line without its end is still being written
  }
  return lines;
}

EpochMetrics read_line(const std::string& path, size_t number, const std::string& line,
                       const std::string& accuracy_key) {
  try {
    return EpochMetrics::from_line(line, accuracy_key);
  } catch (const Error& error) {
    throw error.and_also("it is line " + std::to_string(number) + " of '" + path +
                         "', which is damaged; without that file the run's weights can be used");
  }
}

}  // namespace

std::vector<EpochMetrics> read_metrics(const std::string& path, const std::string& accuracy_key) {
  std::vector<EpochMetrics> all;
  for (const std::string& line : whole_lines(path))
    all.push_back(read_line(path, all.size() + 1, line, accuracy_key));
  return all;
}

std::optional<EpochMetrics> last_metrics(const std::string& path, const std::string& accuracy_key) {
  const std::vector<std::string> lines = whole_lines(path);
  if (lines.empty()) return std::nullopt;
  return read_line(path, lines.size(), lines.back(), accuracy_key);
}

}  // namespace espalier::experiment
