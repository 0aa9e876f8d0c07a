#include "plugin_option.h"

#include "espalier/compress/plugin.h"

namespace espalier::app {

Option plugin_option() {
  return {.name = "plugin",
          .value = "FILE",
          .help = "shared library with further algorithms; may be given several times",
          .several = true};
}

void load_plugins(const Arguments& arguments, compress::Registry& registry) {
  const auto plugins = arguments.lists.find("plugin");
  if (plugins == arguments.lists.end()) return;
  for (const std::string& plugin : plugins->second) compress::load_plugin(plugin, registry);
}

}  // namespace espalier::app
