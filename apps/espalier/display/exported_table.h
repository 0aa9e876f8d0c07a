#pragma once

#include <string>

namespace espalier::app {

/// What an exported network takes and gives, and where its bytes go, layer by layer and by kind.
/// \throws Error when the file cannot be read or is no network
void print_exported(const std::string& path);

}  // namespace espalier::app
