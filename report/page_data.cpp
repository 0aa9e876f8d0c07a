#include "espalier/report/page_data.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace espalier::report {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no word for what is not finite.
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json number(const std::optional<double>& value) {
  return value ? number(*value) : Json(nullptr);
}

Json numbers(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(number(value));
  return list;
}

Json figures(const Figures& figures) {
  return {{"accuracy", number(figures.accuracy)}, {"bytes", figures.file_bytes}};
}

Json columns(const std::vector<Epoch>& epochs) {
  Json table = Json::object();
  const auto column = [&](const char* name, auto value) {
    Json list = Json::array();
    for (const Epoch& epoch : epochs) list.push_back(value(epoch));
    table[name] = std::move(list);
  };
  column("epoch", [](const Epoch& e) { return Json(e.metrics.epoch + 1); });
  column("accuracy", [](const Epoch& e) { return number(e.metrics.accuracy); });
  column("train_loss", [](const Epoch& e) { return number(e.metrics.train_loss); });
  column("learning_rate", [](const Epoch& e) { return number(e.metrics.learning_rate); });
  column("images_per_second", [](const Epoch& e) { return number(e.metrics.images_per_second); });
  column("sparsity", [](const Epoch& e) { return number(e.metrics.sparsity); });
  column("target_sparsity", [](const Epoch& e) { return number(e.target_sparsity); });
  return table;
}

Json histogram(const std::optional<Histogram>& histogram) {
  if (!histogram) return nullptr;
  return {{"low", number(histogram->low)},
          {"high", number(histogram->high)},
          {"counts", histogram->counts},
          {"zeros", histogram->zeros}};
}

Json layer(const Layer& layer) {
  return {{"name", layer.name},
          {"sparsity", numbers(layer.sparsity)},
          {"before", histogram(layer.before)},
          {"after", histogram(layer.after)},
          {"threshold", number(layer.threshold)},
          {"grid", numbers(layer.grid)}};
}

Json run(const Run& run) {
  Json events = Json::array(), layers = Json::array();
  for (const Event& event : run.events) {
    events.push_back({{"epoch", number(event.epoch)}, {"kind", event.kind}, {"text", event.text}});
  }
  for (const Layer& each : run.layers) layers.push_back(layer(each));
  return {{"name", run.name},
          {"accuracy_of", run.accuracy_of},
          {"compressed", figures(run.compressed)},
          {"dense", run.dense ? figures(*run.dense) : Json(nullptr)},
          {"epochs", columns(run.epochs)},
          {"dense_epochs", columns(run.dense_epochs)},
          {"events", std::move(events)},
          {"layers", std::move(layers)}};
}

}  // namespace

std::string page_data(const Report& report) {
  Json runs = Json::array();
  for (const Run& each : report.runs) runs.push_back(run(each));
  // A name that is no UTF-8 must not cost the report.
  Json page = Json::object();
  page["runs"] = std::move(runs);
  const std::string text = page.dump(-1, ' ', false, Json::error_handler_t::replace);
  // Outside of strings there is no `<`; inside, the escape means the same.
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace espalier::report
