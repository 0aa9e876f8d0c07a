#include "espalier/compress/layer_rules.h"

#include <algorithm>

#include "espalier/compress/config/nearest.h"

namespace espalier::compress {
namespace {

constexpr const char* default_types = "default";

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

LayerSelector::LayerSelector(MapReader& rule) {
  const auto read = [&](const char* key, Words& into) {
    if (!rule.has(key)) return false;
    if (!into.key.empty())
      rule.fail(key, "stands beside '" + into.key + "', which means the same; keep one of them");
    into = {key, rule.strings(key)};
    return true;
  };
  bool older = read("support_type", types_);
  older = read("support_layer", types_) || older;
  older = read("support_op", names_) || older;
  Words new_types, new_names;
  both_ = read("op_types", new_types);
  both_ = read("op_names", new_names) || both_;
  if (older && both_) {
    rule.fail(new_types.key.empty() ? new_names.key : new_types.key,
              "cannot stand beside 'support_…' keys: there a layer must match either, here both; "
              "use one spelling");
  }
  if (both_) {
    types_ = new_types;
    names_ = new_names;
  }
  // What chooses nothing is for the default types, and says so where the rule is spelled out.
  if (!older && !both_)
    types_ = {"support_type",
              rule.strings("support_type", std::vector<std::string>{default_types})};
  const bool says_prune = rule.has("prune"), says_exclude = rule.has("exclude");
  if (says_prune) excludes_ = !rule.boolean("prune");
  if (says_exclude && says_prune && rule.boolean("exclude") != excludes_)
    rule.fail("exclude", "says the opposite of 'prune'; keep one of them");
  if (says_exclude) excludes_ = rule.boolean("exclude");
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
  return contains(names_.words, layer);
}

void LayerSelector::require_present(const std::vector<LayerInfo>& layers,
                                    const MapReader& rule) const {
  std::vector<std::string> types{default_types}, names;
  for (const LayerInfo& layer : layers) {
    if (!contains(types, layer.type)) types.push_back(layer.type);
    names.push_back(layer.name);
  }
  const auto check = [&](const Words& given, const std::vector<std::string>& present,
                         const char* has_none) {
    for (size_t i = 0; i < given.words.size(); ++i) {
      const std::string& word = given.words[i];
      if (contains(present, word)) continue;
      std::string known;
      for (const std::string& candidate : present) known += (known.empty() ? "" : ", ") + candidate;
      rule.fail_item(given.key, i,
                     "is '" + word + "', but no layer with weights " + has_none +
                         did_you_mean(word, present) + "; there are " + known);
    }
  };
  check(types_, types, "is of that type");
  check(names_, names, "has that name");
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
