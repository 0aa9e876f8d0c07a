#pragma once

#include "arguments.h"
#include "espalier/compress/registry.h"

namespace espalier::app {

/// `--plugin FILE`, once or several times.
Option plugin_option();

/// Adds the algorithms of those that were given. \throws ConfigError for one that is no plugin
void load_plugins(const Arguments& arguments, compress::Registry& registry);

}  // namespace espalier::app
