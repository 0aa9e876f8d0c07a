#include "espalier/compress/config/sections.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/yaml.h"

namespace espalier::compress {

bool is_section_of(std::string_view key, std::string_view name,
                   const std::vector<std::string>& aliases) {
  for (const std::string_view prefix : {"", "tf", "torch"}) {
    if (!key.starts_with(prefix)) continue;
    const std::string_view rest = key.substr(prefix.size());
    if (rest == name || std::find(aliases.begin(), aliases.end(), rest) != aliases.end())
      return true;
  }
  return false;
}

Rules section_rules(const Member& section) {
  const auto& [name, value, key_position] = section;
  if (value.is_null()) return {};
  if (value.is_list()) {
    throw ConfigError(value.position(), "the rules of " + name +
                                            " must stand below the key 'config', as in '" + name +
                                            ": {config: [...]}'");
  }
  MapReader reader(value, name);
  if (reader.map().as_map().empty()) return {};
  const Value& config = reader.require("config");
  reader.finish();
  if (config.is_null()) {
    throw ConfigError(config.position(), "config must be a list of rules, not nothing (in " + name +
                                             "); without any, leave it out");
  }
  return Rules::from(config, name);
}

Rules rules_of_section(const Value& sections, std::string_view name,
                       const std::vector<std::string>& aliases) {
  const std::string who(name);
  if (!sections.is_map()) {
    throw ConfigError(sections.position(), "there must be a map of sections, such as '" + who +
                                               ": {config: [...]}', not " + sections.describe());
  }
  const Member* found = nullptr;
  std::vector<std::string> names;
  for (const Member& section : sections.as_map()) {
    names.push_back(section.key);
    if (!is_section_of(section.key, name, aliases)) continue;
    if (found != nullptr) {
      throw ConfigError(section.key_position, "'" + section.key + "' is the same as '" +
                                                  found->key +
                                                  "' before it; put its rules into one section");
    }
    found = &section;
  }
  if (found != nullptr) return section_rules(*found);
  throw ConfigError(sections.position(),
                    "there is no section '" + who + "'" + mean_or_there_are(name, names));
}

Value read_sections(const std::string& path) {
  Value sections = read_yaml_file(path);
  if (sections.is_null()) {
    throw ConfigError(sections.position(),
                      "this file is empty; it must hold sections such as 'AGPruner: {config: "
                      "[...]}'");
  }
  return sections;
}

Value resolve_sections(const Value& compress) {
  if (!compress.is_text()) return compress;
  namespace fs = std::filesystem;
  const Position& position = compress.position();
  const fs::path folder = position.known() ? fs::path(*position.file).parent_path() : fs::path();
  const std::string path = (folder / compress.as_text()).string();
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw ConfigError(position, "compress names the file '" + path + "', which does not exist");
  }
  return read_sections(path);
}

}  // namespace espalier::compress
