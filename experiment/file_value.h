#pragma once

#include <string>

#include "espalier/compress/config/value.h"

namespace espalier::experiment {

/// The file or folder that a text in a configuration means: its path is relative to the file in
/// which it is written, as includes are everywhere, or, from the command line, to the current
/// folder.
std::string path_in(const compress::Value& text);

/// The same as an absolute path, for what is written into the configuration of a run.
std::string absolute_path_in(const compress::Value& text);

}  // namespace espalier::experiment
