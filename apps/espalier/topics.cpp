#include "topics.h"

#include <fmt/format.h>

#include "arguments.h"
#include "display/text.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/worked/any_algorithm.h"
#include "espalier/experiment/data_config.h"
#include "espalier/experiment/layers/layer_kinds.h"
#include "espalier/experiment/optimizers.h"
#include "espalier/experiment/schedules.h"
#include "espalier/nn/models.h"

namespace espalier::app {
namespace {

using compress::MapReader;
using compress::OptionInfo;
using compress::Registry;
using compress::Value;

template <class Things>
TopicGroup group(const std::string& name, const std::string& kind, const Things& things) {
  TopicGroup group{name, {}};
  for (const auto& thing : things) group.topics.push_back({thing.name, kind, thing.description});
  return group;
}

Topic topic_of(const Registry::Entry& algorithm) {
  return {algorithm.name, compress::algorithm_kind(algorithm), algorithm.description,
          algorithm.paper};
}

Explanation explain(const Registry::Entry& algorithm) {
  return {.topic = topic_of(algorithm),
          .explanation = algorithm.explanation,
          .aliases = algorithm.make({})->aliases(),
          .options = compress::describe_options(algorithm),
          .chooses_layers = true,
          .example = "compress:\n" + indented(compress::example_section(algorithm), 2),
          .worked = compress::worked_example(algorithm)};
}

/// The options that must be given or, if none must, the first one.
Value example_options(const std::vector<OptionInfo>& options) {
  Value example = Value::map();
  for (const OptionInfo& option : options) {
    if (option.required && !option.condition.starts_with("with "))
      example.set(option.key, sample_value(option));
  }
  if (example.as_map().empty() && !options.empty())
    example.set(options.front().key, sample_value(options.front()));
  return example;
}

/// One of the kinds that a configuration names under `key`, such as `optimizer: {SGD: {lr: 0.01}}`.
template <class Thing>
Explanation explain(const std::string& key, const experiment::Kind<Thing>& kind) {
  const auto read = [&kind](MapReader& reader) {
    Value spelled_out;
    kind.read(reader, spelled_out);
  };
  Explanation explanation{.topic = {kind.name, key, kind.description},
                          .options = compress::describe_options(read, key + " " + kind.name)};
  const Value options = example_options(explanation.options.options);
  const Value example =
      options.as_map().empty() ? Value(kind.name) : Value::map({{kind.name, options}});
  explanation.example = compress::to_yaml(Value::map({{key, example}}));
  return explanation;
}

}  // namespace

std::vector<TopicGroup> topic_groups(const Registry& registry) {
  TopicGroup algorithms{"algorithms", {}};
  for (const Registry::Entry& entry : registry.entries())
    algorithms.topics.push_back(topic_of(entry));
  return {algorithms,
          group("models", "model", nn::named_models()),
          group("layers", "layer", experiment::LayerKinds::with_builtin().entries()),
          group("optimizers", "optimizer", experiment::optimizer_kinds()),
          group("schedules", "schedule", experiment::schedule_kinds()),
          group("datasets", "data set", experiment::data_kinds())};
}

std::vector<Explanation> explain_all(const Registry& registry) {
  std::vector<Explanation> all;
  for (const Registry::Entry& entry : registry.entries()) all.push_back(explain(entry));
  for (const auto& kind : experiment::optimizer_kinds()) all.push_back(explain("optimizer", kind));
  for (const auto& kind : experiment::schedule_kinds()) all.push_back(explain("schedule", kind));
  return all;
}

Explanation explain_one(const Registry& registry, const std::string& name) {
  if (const Registry::Entry* algorithm = registry.find(name)) return explain(*algorithm);
  std::vector<std::string> names;
  for (Explanation& each : explain_all(registry)) {
    if (each.topic.name == name) return std::move(each);
    names.push_back(each.topic.name);
  }
  for (const TopicGroup& group : topic_groups(registry)) {
    for (const Topic& topic : group.topics) {
      if (topic.name == name)
        throw UsageError(
            fmt::format("'{}' is a {}, which has no page of its own; see 'espalier "
                        "list {}' and the documentation",
                        name, topic.kind, group.name));
    }
  }
  const std::string near = compress::did_you_mean(name, names);
  throw UsageError(fmt::format("there is nothing named '{}' to explain{}", name,
                               near.empty() ? "; see 'espalier list'" : near));
}

}  // namespace espalier::app
