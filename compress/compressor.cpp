#include "espalier/compress/compressor.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/sections.h"
#include "espalier/compress/layer_rules.h"

namespace espalier::compress {
namespace {

/// `AGPruner` for espalier::compress::AGPruner.
std::string class_name(const std::type_info& type) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
  const std::string full = demangled ? demangled : type.name();
  std::free(demangled);
  // The arguments of a template have qualified names of their own.
  const std::string name = full.substr(0, full.find('<'));
  const size_t qualifier = name.rfind("::");
  return qualifier == std::string::npos ? name : name.substr(qualifier + 2);
}

}  // namespace

Compressor::~Compressor() {
  stop_listening();
}

void Compressor::stop_listening() {
  for (const auto& record : listened_)
    std::erase(record->listeners, static_cast<nn::TrainingListener*>(this));
  listened_.clear();
}

void Compressor::load_configure(const std::string& path) {
  if (attached())
    throw Error(name(), "is attached to a model already; load '" + path + "' before attaching");
  for (const Rule& rule : rules_of_section(read_sections(path), name(), aliases()))
    rules_.add(rule);
}

std::string Compressor::name() const {
  return registered_name_.empty() ? class_name(typeid(*this)) : registered_name_;
}

void Compressor::operator()(nn::Module& model) {
  attach(model, true);
}

void Compressor::operator()(nn::Module& model, const Shape& sample) {
  sample_ = sample;
  attach(model, true);
}

void Compressor::attach_for_evaluation(nn::Module& model) {
  if (acts_on_activations()) attach(model, false);
}

void Compressor::attach(nn::Module& model, bool with_weights) {
  if (attached())
    throw Error(name(), "is attached to a model already; make another one for another model");
  try {
    put_in_place(model, with_weights);
  } catch (...) {
    take_out();
    throw;
  }
}

void Compressor::take_out() {
  on_attach_failed();
  stop_listening();
  model_.reset();
  layers_.clear();
  excluded_.clear();
  requested_.clear();
  rules_as_run_ = Value::list();
  updates_at_attach_ = 0;
  for_evaluation_ = false;
}

void Compressor::put_in_place(nn::Module& model, bool with_weights) {
  for_evaluation_ = !with_weights;
  preprocess_model(model);
  match_layers(model);
  model_ = model.record();
  updates_at_attach_ = optimizer_updates();
  requested_.assign(layers_.size(), with_weights);
  for (const LayerInfo& layer : layers_) {
    if (with_weights) attach_layer(layer);
    attach_activations(layer);
  }
  on_attached(model);
  if (!with_weights) return;
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
  std::vector<bool> named(all.size());  // by the rule that applies
  std::vector<bool> excludes;           // by rule
  Value as_run = Value::list();
  for (int number = 0; number < static_cast<int>(rules.size()); ++number) {
    MapReader reader(rules[static_cast<size_t>(number)].map(), rule_name(number));
    const LayerSelector selector(reader);
    selector.require_present(all, reader);
    if (selector.excludes()) reader.require_nothing();
    read_rule(number, reader);
    reader.finish();
    bool matched = false;
    for (size_t i = 0; i < all.size(); ++i) {
      if (!selector.matches(all[i].name, all[i].type)) continue;
      matched = true;
      rule_of[i] = number;
      named[i] = selector.names(all[i].name);
    }
    if (!matched)
      throw ConfigError(reader.map().position(),
                        rule_name(number) + " matches no layer of the model");
    excludes.push_back(selector.excludes());
    as_run.append(selector.excludes() ? reader.map() : reader.as_read());
  }
  rules_as_run_ = std::move(as_run);
  for (size_t i = 0; i < all.size(); ++i) {
    const int rule = rule_of[i];
    if (rule < 0) continue;
    if (excludes[static_cast<size_t>(rule)]) {
      excluded_.push_back({all[i].name, rule});
      continue;
    }
    LayerInfo layer = all[i];
    layer.rule = rule;
    const std::string why =
        named[i] ? ""
                 : reason_to_leave_out(layer, static_cast<int>(i), static_cast<int>(all.size()));
    if (!why.empty()) {
      excluded_.push_back({all[i].name, rule, why});
      continue;
    }
    layer.index = static_cast<int>(layers_.size());
    layer.options = rules[static_cast<size_t>(rule)].map();
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
  epoch_announced_ = true;
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

bool Compressor::in_use(int rule) const {
  return std::any_of(layers_.begin(), layers_.end(),
                     [&](const LayerInfo& layer) { return layer.rule == rule; });
}

void Compressor::visit_state(nn::StateVisitor& state) {
  if (!attached())
    throw Error(name(), "is not attached to a model: attach it, then save or restore its state");
  std::string names;
  for (const LayerInfo& layer : layers_) names += (names.empty() ? "" : " ") + layer.name;
  std::string saved_names = names;
  state("layers", saved_names);
  if (saved_names != names) {
    throw Error(name(), "the state was saved for the layers '" + saved_names +
                            "', but the rules choose '" + names + "' now");
  }
  int64_t since_attach = updates_since_attach();
  state("updates_since_attach", since_attach);
  if (state.restores()) restored_updates_ = since_attach;
  state("updates", updates_);
  state("steps", steps_);
  state("epoch", epoch_);
  state("epoch_announced", epoch_announced_);
  std::vector<int64_t> requested(requested_.begin(), requested_.end());
  state("requested", requested);
  requested.resize(layers_.size());
  requested_.assign(requested.begin(), requested.end());
}

int64_t Compressor::optimizer_updates() const {
  int64_t most = 0;
  for (const LayerInfo& layer : layers_) most = std::max(most, layer.parameter->updates());
  return most;
}

int64_t Compressor::updates_since_attach() const {
  return restored_updates_ ? *restored_updates_ : optimizer_updates() - updates_at_attach_;
}

void Compressor::before_training_forward() {
  if (restored_updates_) {
    updates_at_attach_ = optimizer_updates() - *restored_updates_;
    restored_updates_.reset();
  }
  const int64_t now = steps_ > 0 ? steps_ : updates_since_attach();
  if (now != updates_) {
    updates_ = now;
    on_update();
    warn_of_silence();
  }
  refresh_requested();
}

void Compressor::after_channels_removed(nn::Module& model) {
  for (LayerInfo& layer : layers_) layer.shape = layer.parameter->shape();
  on_channels_removed(model);
}

void Compressor::warn_of_silence() {
  // Long enough that a loop which announces epochs at their end is not told off for it.
  constexpr int64_t patience = 1000;
  if (epoch_announced_ || updates_ != patience || !waits_for_epoch()) return;
  Engine::current().warn("[" + name() +
                         "] 1000 updates and no epoch has been announced, so it stands still; call "
                         "update_epoch(epoch) when an epoch begins, or use 'unit: step' where the "
                         "algorithm has it");
}

void Compressor::refresh_requested() {
  if (std::none_of(requested_.begin(), requested_.end(), [](bool wanted) { return wanted; }))
    return;
  NoGrad no_grad;
  before_refresh();
  const std::vector<bool> due = requested_;
  for (const LayerInfo& layer : layers_) {
    if (!due[static_cast<size_t>(layer.index)]) continue;
    requested_[static_cast<size_t>(layer.index)] = false;
    refresh_layer(layer);
  }
  for (const LayerInfo& layer : layers_) {
    if (due[static_cast<size_t>(layer.index)]) apply_refresh(layer);
  }
  after_refresh();
}

}  // namespace espalier::compress
