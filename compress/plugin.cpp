#include "espalier/compress/plugin.h"

#include <exception>
#include <filesystem>
#include <utility>

#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/config_error.h"

namespace espalier::compress {
namespace {

constexpr const char* entry_point = "espalier_plugin";
using EntryPoint = int(int host_version, Registry& registry);

}  // namespace

void load_plugin(const std::string& path, Registry& registry) {
  const auto fail = [&path](const std::string& what) {
    throw ConfigError("plugin '" + path + "' " + what);
  };
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) fail("is not there");
  const SharedLibrary library = open_shared_library(std::filesystem::absolute(path).string());
  if (!library.handle) fail("cannot be loaded: " + library.error);
  auto* const enter = reinterpret_cast<EntryPoint*>(find_symbol(library, entry_point));
  if (!enter) fail(std::string("has no function '") + entry_point + "', so it is no plugin");
  Registry extended = registry;
  int version = 0;
  try {
    version = enter(plugin_version, extended);
  } catch (const std::exception& error) {
    fail(std::string("cannot register its algorithms: ") + error.what());
  }
  if (version != plugin_version) {
    fail("is made for version " + std::to_string(version) + " of the plugin interface, this is " +
         std::to_string(plugin_version) + "; compile it against these headers");
  }
  registry = std::move(extended);
}

}  // namespace espalier::compress
