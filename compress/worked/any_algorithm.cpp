#include "espalier/compress/worked/any_algorithm.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/sections.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/option_list.h"
#include "espalier/compress/pruners/channel_pruner.h"
#include "espalier/compress/worked/by_hand.h"

namespace espalier::compress {
namespace {

/// The first rule of the algorithm's example that takes no layer out, for "layer" alone.
Rule example_rule(const Registry::Entry& algorithm) {
  const Value sections = parse_yaml(example_section(algorithm), "the example of " + algorithm.name);
  std::set<std::string> selectors;
  for (const OptionInfo& option : selector_options()) selectors.insert(option.key);
  for (const Rule& rule : section_rules(sections.as_map().front())) {
    const Value* prune = rule.map().find("prune");
    const Value* exclude = rule.map().find("exclude");
    if ((prune && *prune == Value(false)) || (exclude && *exclude == Value(true))) continue;
    Value kept = Value::map();
    for (const Member& option : rule.map().as_map()) {
      if (!selectors.contains(option.key)) kept.set(option.key, option.value);
    }
    return Rule::from(kept, algorithm.name);
  }
  return {};
}

Rules named(const Rule& rule) {
  Value map = rule.map();
  map.set("support_op", "layer");
  return {Rule::from(map, "the example")};
}

/// How many outputs a layer of `count` weights has here: as near to a square as they divide.
int64_t outputs_of(size_t count) {
  int64_t outputs = 1;
  for (int64_t i = 2; i * i <= static_cast<int64_t>(count); ++i) {
    if (static_cast<int64_t>(count) % i == 0) outputs = i;
  }
  return outputs;
}

/// Passes in training, one to an epoch, until the schedules of all rules are through; none where
/// there is no schedule.
int64_t go_through_schedule(Compressor& compressor, worked::SmallLayer& layer) {
  constexpr int64_t patience = 2000;
  int64_t epochs = 0;
  for (const ScheduleEnd& end : compressor.schedule_ends(1, 1))
    epochs = std::max(epochs, end.epochs);
  epochs = std::min(epochs, patience);
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    compressor.update_epoch(static_cast<int>(epoch));
    layer.pass();
    compressor.step();
  }
  return epochs;
}

/// The algorithm with this rule, as it stands in a configuration.
std::string section_of(const std::string& name, const Rule& rule) {
  if (rule.map().as_map().empty()) return name + ": {}\n";
  return to_yaml(Value::map({{name, Value::map({{"config", Value::List{rule.map()}}})}}));
}

std::string work(const Registry::Entry& algorithm, const std::vector<float>& weights) {
  if (weights.empty()) throw Error(algorithm.name, "needs at least one weight to work on");
  Rule rule = example_rule(algorithm);
  const int64_t outputs = outputs_of(weights.size()),
                inputs = static_cast<int64_t>(weights.size()) / outputs;
  worked::SmallLayer layer(weights, outputs);
  std::unique_ptr<Compressor> compressor = algorithm.make(named(rule));
  if (dynamic_cast<ChannelPruner*>(compressor.get())) {
    Value map = rule.map();
    map.set("multiple", 1);  // of 16, as is usual, such a layer has none
    rule = Rule::from(map, algorithm.name);
    compressor = algorithm.make(named(rule));
  }
  layer.attach(*compressor);
  const int64_t epochs = go_through_schedule(*compressor, layer);

  std::vector<std::string> places;
  for (int64_t i = 0; i < outputs * inputs; ++i)
    places.push_back(fmt::format("{},{}", i / inputs + 1, i % inputs + 1));
  const std::vector<float> effective = layer.effective(), kept = layer.kept();
  const auto masked = std::count(kept.begin(), kept.end(), 0.0f);
  worked::Table table;
  table.column("output,input", places).column("weight", weights, 6);
  if (masked > 0 || compressor->verb() == "prune") table.column("mask", kept);
  table.column("effective", effective, 6);

  std::string text =
      fmt::format("A layer of {} and {} with these weights. The algorithm:\n\n",
                  worked::counted(outputs, "output"), worked::counted(inputs, "input"));
  std::istringstream lines(section_of(algorithm.name, rule));
  for (std::string line; std::getline(lines, line);) text += "  " + line + "\n";
  text += epochs == 0
              ? "\nRight after it has been attached:\n\n"
              : fmt::format("\nAfter {} of one step each, in which no weight was updated:\n\n",
                            worked::counted(epochs, "epoch"));
  text += table.text() + "\n";
  const std::set<float> values(effective.begin(), effective.end());
  text += fmt::format("{} of {} masked; the layer computes with {}.\n", masked,
                      worked::counted(outputs * inputs, "weight"),
                      worked::counted(static_cast<int64_t>(values.size()), "different value"));
  return text;
}

}  // namespace

WorkedExample worked_example(const Registry::Entry& algorithm) {
  if (algorithm.worked.work) return algorithm.worked;
  return {
      .numbers = {0.9f, -0.3f, 0.05f, -0.6f, 0.2f, -0.8f, 0.4f, -0.1f, 0.7f, -0.5f},
      .what = "weights, at least one",
      .work = [algorithm](const std::vector<float>& weights) { return work(algorithm, weights); }};
}

}  // namespace espalier::compress
