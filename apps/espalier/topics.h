#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/option_list.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/worked_example.h"

/// What a configuration may name, for `espalier list` and `espalier explain`.
namespace espalier::app {

/// Something of a name: an algorithm, a model, an optimizer.
struct Topic {
  std::string name;
  std::string kind;         ///< "pruner", "optimizer"
  std::string description;  ///< one line
  std::string paper = {};
};

/// The topics of one sort.
struct TopicGroup {
  std::string name;  ///< "algorithms": what `espalier list` calls them
  std::vector<Topic> topics;
};

/// All groups that can be listed.
std::vector<TopicGroup> topic_groups(const compress::Registry& registry);

/// All there is to know of a topic with options.
struct Explanation {
  Topic topic;
  std::string explanation = {};
  std::vector<std::string> aliases = {};
  compress::OptionList options = {};
  bool chooses_layers = false;                         ///< a rule has `selector_options` too
  std::string example = {};                            ///< YAML as it stands in a configuration
  std::optional<compress::WorkedExample> worked = {};  ///< of algorithms
};

/// Explanations of all algorithms, optimizers and schedules.
std::vector<Explanation> explain_all(const compress::Registry& registry);
/// The one of this name; algorithms also by their aliases, and with the prefixes that sections may
/// have. \throws UsageError with the nearest name if there is none
Explanation explain_one(const compress::Registry& registry, const std::string& name);

}  // namespace espalier::app
