#include "espalier/compress/registry.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"

namespace espalier::compress {

Registry Registry::with_builtin() {
  Registry registry;
  registry.add<LevelPruner>("LevelPruner",
                            "masks a fraction of smallest weights; the mask follows the weights");
  registry.add<AGPruner>("AGPruner", "raises the masked fraction along a cubic while training");
  return registry;
}

void Registry::add(std::string name, std::string description, Make make) {
  for (const Entry& entry : entries_) {
    if (entry.name == name)
      throw Error("registry", "there is an algorithm named '" + name + "' already");
  }
  entries_.push_back({std::move(name), std::move(description), make});
}

std::vector<std::unique_ptr<Compressor>> Registry::make_all(const Value& sections) const {
  std::vector<std::unique_ptr<Compressor>> made;
  if (sections.is_null()) return made;
  if (!sections.is_map()) {
    throw ConfigError(
        sections.position(),
        "compress must be a map of algorithms, such as 'AGPruner: {config: […]}', not " +
            sections.describe());
  }
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.name);
  for (const Member& section : sections.as_map()) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.name == section.key; });
    if (entry == entries_.end()) {
      std::string known;
      for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
      throw ConfigError(section.key_position, "there is no algorithm named '" + section.key + "'" +
                                                  did_you_mean(section.key, names) +
                                                  "; known: " + known);
    }
    MapReader reader(section.value, section.key);
    const Value* config = reader.find("config");
    Rules rules = config ? Rules::from(*config, section.key) : Rules();
    reader.finish();
    made.push_back(entry->make(std::move(rules)));
  }
  return made;
}

}  // namespace espalier::compress
