#pragma once

#include <string_view>

namespace espalier {

/// Of the library, such as `0.1.0`: what files say made them.
std::string_view version();

}  // namespace espalier
