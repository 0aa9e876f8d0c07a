#include "espalier/compress/registry.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/sections.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/quantizers/dorefa_quantizer.h"
#include "espalier/compress/quantizers/naive_quantizer.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/compress/pruners/sensitivity_pruner.h"

namespace espalier::compress {

Registry Registry::with_builtin() {
  Registry registry;
  registry.add<LevelPruner>("LevelPruner",
                            "masks a fraction of smallest weights; the mask follows the weights");
  registry.add<AGPruner>("AGPruner", "raises the masked fraction along a cubic while training");
  registry.add<NaiveQuantizer>("NaiveQuantizer", "rounds weights to 8 bits");
  registry.add<QATQuantizer>("QATQuantizer",
                             "trains with the weights and activations of an integer engine");
  registry.add<DoReFaQuantizer>("DoReFaQuantizer",
                                "few bits for weights, activations and gradients");
  registry.add<SensitivityPruner>(
      "SensitivityPruner", "masks weights below a multiple of their layer's standard deviation");
  return registry;
}

void Registry::add(std::string name, std::string description, Make make) {
  for (const Entry& entry : entries_) {
    if (entry.name == name)
      throw Error("registry", "there is an algorithm named '" + name + "' already");
  }
  entries_.push_back({std::move(name), std::move(description), std::move(make)});
}

std::vector<std::unique_ptr<Compressor>> Registry::make_all(const Value& sections) const {
  std::vector<std::unique_ptr<Compressor>> made;
  if (sections.is_null()) return made;
  if (!sections.is_map()) {
    throw ConfigError(
        sections.position(),
        "compress must be a map of algorithms, such as 'AGPruner: {config: [...]}', not " +
            sections.describe());
  }
  std::vector<const Entry*> used;
  for (const Member& section : sections.as_map()) {
    const Entry& entry = entry_for(section);
    if (std::find(used.begin(), used.end(), &entry) != used.end()) {
      throw ConfigError(section.key_position, "there is a section for " + entry.name +
                                                  " already; put the rules of '" + section.key +
                                                  "' into it");
    }
    used.push_back(&entry);
    std::unique_ptr<Compressor> compressor = entry.make(section_rules(section));
    compressor->registered_name_ = entry.name;
    made.push_back(std::move(compressor));
  }
  return made;
}

std::vector<std::unique_ptr<Compressor>> Registry::make_all_from(const std::string& path) const {
  return make_all(read_sections(path));
}

const Registry::Entry& Registry::entry_for(const Member& section) const {
  const Entry* found = nullptr;
  std::vector<std::string> names;
  for (const Entry& entry : entries_) {
    if (entry.name == section.key) return entry;
    if (is_section_of(section.key, entry.name)) found = &entry;
    names.push_back(entry.name);
  }
  if (found != nullptr) return *found;
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  throw ConfigError(section.key_position, "there is no algorithm named '" + section.key + "'" +
                                              did_you_mean(section.key, names) +
                                              "; known: " + known);
}

Value sections_as_run(const std::vector<std::unique_ptr<Compressor>>& compressors) {
  Value sections = Value::map();
  for (const auto& compressor : compressors)
    sections.set(compressor->name(), Value::map({{"config", compressor->rules_as_run()}}));
  return sections;
}

}  // namespace espalier::compress
