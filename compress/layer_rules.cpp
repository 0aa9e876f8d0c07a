#include "espalier/compress/layer_rules.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "espalier/compress/config/nearest.h"

namespace espalier::compress {
namespace {

constexpr const char* default_types = "default";

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr const char* a_list = "a word or a list of words";

/// What listings say of the keys that choose layers.
constexpr struct {
  const char* key;
  FreeOptions says;
} selector_keys[] = {
    {"support_type",
     {.allowed = a_list,
      .help =
          "Types of layers, such as Conv2d; 'default' is Conv2d and Linear, and holds where no "
          "key chooses layers. A layer is meant if its type or its name (support_op) is here."}},
    {"support_layer", {.allowed = a_list, .help = "The same as support_type."}},
    {"support_op",
     {.allowed = a_list,
      .help = "Names of layers: 'conv1'; patterns, where * is any characters and ? is one: "
              "'block*.conv?'; or regular expressions: 're:block[1-3]\\..*'."}},
    {"op_types",
     {.allowed = a_list,
      .help = "Types of layers in the newer spelling, where a layer must be meant by op_types and "
              "by op_names, if both are given."}},
    {"op_names", {.allowed = a_list, .help = "Names of layers or patterns in the newer spelling."}},
    {"prune",
     {.allowed = "true or false",
      .fallback = "true",
      .help = "With false these layers are left alone, whatever rules above say."}},
    {"exclude",
     {.allowed = "true or false",
      .fallback = "false",
      .help = "With true these layers are left alone: prune in the newer spelling."}}};

}  // namespace

LayerSelector::LayerSelector(MapReader& rule) {
  const auto given = [&rule](const std::string& key) { return rule.map().find(key) != nullptr; };
  for (const auto& [key, says] : selector_keys) rule.find(key, says);

  if (given("support_type") && given("support_layer"))
    rule.fail("support_layer",
              "stands beside 'support_type', which means the same; keep one of them");
  const bool older = given("support_type") || given("support_layer") || given("support_op");
  both_ = given("op_types") || given("op_names");
  if (older && both_) {
    rule.fail(given("op_types") ? "op_types" : "op_names",
              "cannot stand beside 'support_…' keys: there a layer must match either, here both; "
              "use one spelling");
  }
  for (const char* key : {"support_type", "support_layer", "op_types"}) {
    if (given(key)) types_ = {key, rule.strings(key)};
  }
  for (const char* key : {"support_op", "op_names"}) {
    if (!given(key)) continue;
    names_.key = key;
    for (std::string& word : rule.strings(key)) {
      names_.patterns.emplace_back(std::move(word));
      const std::string& problem = names_.patterns.back().problem();
      if (!problem.empty()) rule.fail_item(key, names_.patterns.size() - 1, "is wrong: " + problem);
    }
  }
  // What chooses nothing is for the default types, and says so where the rule is spelled out.
  if (!older && !both_)
    types_ = {"support_type",
              rule.strings("support_type", std::vector<std::string>{default_types})};

  if (given("prune")) excludes_ = !rule.boolean("prune");
  if (given("exclude") && given("prune") && rule.boolean("exclude") != excludes_)
    rule.fail("exclude", "says the opposite of 'prune'; keep one of them");
  if (given("exclude")) excludes_ = rule.boolean("exclude");
}

bool LayerSelector::matches(const std::string& layer, const std::string& type) const {
  const bool is_default = type == "Conv2d" || type == "Linear";
  const bool by_type =
      contains(types_.words, type) || (is_default && contains(types_.words, default_types));
  const bool by_name = names(layer);
  if (!both_) return by_type || by_name;
  return (types_.key.empty() || by_type) && (names_.key.empty() || by_name);
}

bool LayerSelector::names(const std::string& layer) const {
  return std::any_of(names_.patterns.begin(), names_.patterns.end(),
                     [&layer](const NamePattern& pattern) { return pattern.matches(layer); });
}

void LayerSelector::require_present(const std::vector<LayerInfo>& layers,
                                    const MapReader& rule) const {
  require_types(layers, rule);
  require_names(layers, rule);
}

void LayerSelector::require_types(const std::vector<LayerInfo>& layers,
                                  const MapReader& rule) const {
  std::vector<std::string> present{default_types};
  for (const LayerInfo& layer : layers) {
    if (!contains(present, layer.type)) present.push_back(layer.type);
  }
  for (size_t i = 0; i < types_.words.size(); ++i) {
    const std::string& word = types_.words[i];
    if (contains(present, word)) continue;
    rule.fail_item(types_.key, i,
                   "is '" + word + "', but no layer with weights is of that type" +
                       mean_or_there_are(word, present));
  }
}

void LayerSelector::require_names(const std::vector<LayerInfo>& layers,
                                  const MapReader& rule) const {
  std::vector<std::string> present;
  for (const LayerInfo& layer : layers) present.push_back(layer.name);
  for (size_t i = 0; i < names_.patterns.size(); ++i) {
    const NamePattern& pattern = names_.patterns[i];
    if (std::any_of(present.begin(), present.end(),
                    [&pattern](const std::string& name) { return pattern.matches(name); }))
      continue;
    const bool exact = pattern.kind() == NamePattern::Kind::exact;
    rule.fail_item(names_.key, i,
                   "is '" + pattern.text() + "', but " +
                       (exact ? "no layer with weights has that name"
                              : "that matches the name of no layer with weights") +
                       mean_or_there_are(exact ? pattern.text() : "", present));
  }
}

std::vector<LayerInfo> compressible_layers(const nn::Module& model) {
  std::vector<LayerInfo> layers;
  for (const nn::NamedParameter& named : model.parameters()) {
    if (named.parameter->role() != nn::Role::weight) continue;
    LayerInfo layer;
    layer.name = named.layer;
    layer.type = named.layer_type;
    layer.shape = named.parameter->shape();
    layer.parameter = named.parameter;
    layer.module = named.module;
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace espalier::compress
