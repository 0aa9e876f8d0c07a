#pragma once

#include <memory>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/experiment/train_config.h"

namespace espalier::experiment {

/// The algorithms that a configuration names, its plugins' among them, not attached yet.
/// \throws ConfigError when the section or a plugin is wrong
std::vector<std::unique_ptr<compress::Compressor>> make_compressors(const TrainConfig& config);

}  // namespace espalier::experiment
