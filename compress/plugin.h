#pragma once

#include <string>

#include "espalier/compress/registry.h"

namespace espalier::compress {

/// What a host and its plugins must agree on. It is raised with every change of a class that
/// plugins derive from, call or fill in: `Pruner`, `Compressor`, `AlgorithmText`, `Tensor`, …
inline constexpr int plugin_version = 3;

/// Adds the algorithms of a shared library to `registry`; from then on they are used like the
/// library's own, from configuration files too. The shared library, compiled against these headers
/// and linked with `espalier`, exports one function:
///
///     extern "C" int espalier_plugin(int host_version, compress::Registry& registry) {
///       if (host_version != compress::plugin_version) return compress::plugin_version;
///       registry.add<TopRows>("TopRows", "keeps the largest rows");
///       return compress::plugin_version;
///     }
///
/// It is never unloaded: the registry and every compressor made by it point to code in it, and
/// nobody could know when the last of them is gone.
///
/// \param path a file; without a folder it is one of the current folder
/// \throws ConfigError, with the registry as it was, when the file is missing, is no shared library
/// or no plugin, is made for another `plugin_version`, or adds a name that is taken
void load_plugin(const std::string& path, Registry& registry);

}  // namespace espalier::compress
