#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/named_map.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/experiment/layers/layer_reader.h"

namespace espalier::experiment {
namespace {

using compress::ConfigError;
using compress::NamedValue;
using compress::Position;
using compress::Value;

/// Far deeper than any network; keeps a file of brackets from using up the stack.
constexpr int deepest = 32;
/// 8 GiB for what a layer makes of one sample.
constexpr double most_values = 2.0 * (1 << 30);

/// One layer of the list, before its options are read.
struct Item {
  const LayerKind* kind;
  NamedValue given;  ///< the type and its options
  std::string name;  ///< empty until it has one
  Position name_position;
};

const LayerKind& kind_of(const NamedValue& given, const LayerKinds& kinds) {
  if (const LayerKind* kind = kinds.find(given.name)) return *kind;
  throw ConfigError(given.position, "there is no layer type '" + given.name + "'" +
                                        compress::mean_or_there_are(given.name, kinds.names()));
}

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

void take_given_name(Item& item) {
  const Value* name = item.given.value.find("name");
  if (!name) return;
  if (!name->is_text() || name->as_text().empty() ||
      !std::all_of(name->as_text().begin(), name->as_text().end(), is_name_character)) {
    throw ConfigError(name->position(),
                      "the name of a layer must be text of letters, digits, '_' "
                      "and '-', not " +
                          name->describe());
  }
  item.name = name->as_text();
  item.name_position = name->position();
}

/// A list in place of options is the option that the type says.
void take_bare_list(Item& item) {
  Value& value = item.given.value;
  if (!value.is_list() || item.kind->list_option.empty()) return;
  const Position position = value.position();
  Value options = Value::map();
  options.set(item.kind->list_option, std::move(value), position);
  options.set_position(position);
  value = std::move(options);
}

/// Given names stay; the others get the next number of their stem that no one has.
void name_all(std::vector<Item>& items) {
  std::map<std::string, Position> taken;
  for (const Item& item : items) {
    if (item.name.empty()) continue;
    const auto [first, is_new] = taken.emplace(item.name, item.name_position);
    if (is_new) continue;
    const Position& before = first->second;
    throw ConfigError(item.name_position,
                      "the name '" + item.name + "' is given to two layers" +
                          (before.known() ? ", first in line " + std::to_string(before.line) : ""));
  }
  std::map<std::string, int> count;
  for (Item& item : items) {
    const std::string& stem = item.kind->stem;
    int number = ++count[stem];
    if (!item.name.empty()) continue;
    while (taken.count(stem + std::to_string(number))) ++number;
    item.name = stem + std::to_string(number);
    taken.emplace(item.name, item.given.position);
  }
}

LayerPlan read_layer(const Item& item, const Shape& input, const LayerPlace& parent) {
  const std::string path = parent.path.empty() ? item.name : parent.path + "." + item.name;
  LayerReader reader(item.kind->name, {parent.kinds, path, parent.depth}, input, item.given.value,
                     item.given.position);
  reader.has("name");
  LayerPlan plan = item.kind->read(reader);
  reader.finish();
  double values = 1;
  for (const int64_t extent : plan.output) values *= static_cast<double>(extent);
  if (values > most_values) {
    reader.fail(
        fmt::format("makes {} of one sample, more than memory holds", plan.output.to_string()));
  }
  Value options = Value::map({{"name", item.name}});
  for (const compress::Member& option : reader.written().as_map()) {
    options.set(option.key, option.value);
  }
  plan.name = item.name;
  plan.written = Value::map({{item.kind->name, std::move(options)}});
  return plan;
}

}  // namespace

LayerChain read_layers(const Value& list, std::string_view what, const Shape& input,
                       const LayerPlace& place) {
  const std::string inside = place.path.empty() ? "" : " (in '" + place.path + "')";
  if (!list.is_list()) {
    throw ConfigError(list.position(),
                      fmt::format("{} must be a list of layers, a line '- Type: {{…}}' for each, "
                                  "not {}{}",
                                  what, list.describe(), inside));
  }
  if (list.as_list().empty()) {
    throw ConfigError(list.position(),
                      fmt::format("{} must hold at least one layer{}", what, inside));
  }
  if (place.depth > deepest) {
    throw ConfigError(list.position(),
                      fmt::format("layers stand inside each other more than {} deep", deepest));
  }
  std::vector<Item> items;
  for (const Value& each : list.as_list()) {
    NamedValue given = compress::named_value(each, "a layer");
    const LayerKind& kind = kind_of(given, place.kinds);
    items.push_back({&kind, std::move(given), {}, {}});
    take_bare_list(items.back());
    take_given_name(items.back());
  }
  name_all(items);
  LayerChain chain{{}, input};
  for (const Item& item : items) {
    chain.layers.push_back(read_layer(item, chain.output, place));
    chain.output = chain.layers.back().output;
  }
  return chain;
}

}  // namespace espalier::experiment
