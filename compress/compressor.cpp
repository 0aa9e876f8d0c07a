#include "espalier/compress/compressor.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/layer_rules.h"

namespace espalier::compress {

Compressor::~Compressor() {
  for (const auto& record : listened_)
    std::erase(record->listeners, static_cast<nn::TrainingListener*>(this));
}

void Compressor::operator()(nn::Module& model) {
  if (attached())
    throw Error(name(), "is attached to a model already; make another one for another model");
  preprocess_model(model);
  match_layers(model);
  model_ = model.record();
  updates_at_attach_ = optimizer_updates();
  requested_.assign(layers_.size(), true);
  for (const LayerInfo& layer : layers_) attach_layer(layer);
  // Listens at the model and at each layer: whoever runs the layers one by one gets new masks too.
  model.for_each_module([&](const std::string& path, nn::Module& module) {
    const bool ours = std::any_of(layers_.begin(), layers_.end(),
                                  [&](const LayerInfo& layer) { return layer.name == path; });
    if (!ours && !path.empty()) return;
    module.record()->listeners.push_back(this);
    listened_.push_back(module.record());
  });
  refresh_requested();
}

void Compressor::match_layers(const nn::Module& model) {
  const std::vector<LayerInfo> all = compressible_layers(model);
  const Rules rules = rules_.empty() ? Rules{Rule{}} : rules_;
  std::vector<int> rule_of(all.size(), -1);
  for (int number = 0; number < static_cast<int>(rules.size()); ++number) {
    MapReader reader(rules[static_cast<size_t>(number)].map(), rule_name(number));
    const LayerSelector selector(reader);
    selector.require_present(all, reader);
    // What an excluding rule says beside that does not matter: there is nothing it could apply to.
    if (!selector.excludes()) {
      read_rule(number, reader);
      reader.finish();
    }
    bool matched = false;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!selector.matches(all[i].name, all[i].type)) continue;
      matched = true;
      rule_of[i] = selector.excludes() ? -1 : number;
    }
    if (!matched)
      throw ConfigError(reader.map().position(),
                        rule_name(number) + " matches no layer of the model");
  }
  for (size_t i = 0; i < all.size(); ++i) {
    if (rule_of[i] < 0) continue;
    LayerInfo layer = all[i];
    layer.index = static_cast<int>(layers_.size());
    layer.rule = rule_of[i];
    layer.options = rules[static_cast<size_t>(layer.rule)].map();
    layers_.push_back(std::move(layer));
  }
}

void Compressor::step() {
  ++steps_;
}

void Compressor::update_epoch(int epoch) {
  if (epoch < 0)
    throw Error(name(), "epochs count from 0, there is no epoch " + std::to_string(epoch));
  epoch_ = epoch;
}

void Compressor::request_refresh() {
  std::fill(requested_.begin(), requested_.end(), true);
}

void Compressor::request_refresh(const LayerInfo& layer) {
  requested_[static_cast<size_t>(layer.index)] = true;
}

std::string Compressor::rule_name(int rule) const {
  return rules_.empty() ? name() : name() + " rule " + std::to_string(rule + 1);
}

int64_t Compressor::optimizer_updates() const {
  int64_t most = 0;
  for (const LayerInfo& layer : layers_) most = std::max(most, layer.parameter->updates());
  return most;
}

void Compressor::before_training_forward() {
  const int64_t now = steps_ > 0 ? steps_ : optimizer_updates() - updates_at_attach_;
  if (now != updates_) {
    updates_ = now;
    on_update();
  }
  refresh_requested();
}

void Compressor::refresh_requested() {
  if (std::none_of(requested_.begin(), requested_.end(), [](bool wanted) { return wanted; }))
    return;
  NoGrad no_grad;
  for (const LayerInfo& layer : layers_) {
    if (!requested_[static_cast<size_t>(layer.index)]) continue;
    requested_[static_cast<size_t>(layer.index)] = false;
    refresh_layer(layer);
  }
}

}  // namespace espalier::compress
