#pragma once

#include <string>

#include "espalier/compress/config/position.h"
#include "espalier/nn/module.h"

namespace espalier::experiment {

/// The file of weights of a run. \param what names the run in messages: "the teacher"
/// \throws ConfigError at `position` when the folder holds no run, or that has no weights yet
std::string weights_of_run(const std::string& folder, const std::string& what,
                           const compress::Position& position);

/// Begins with trained weights instead of start values: the model gets parameters and buffers from
/// a file of weights, or from that of a run. Such a file holds effective weights: those of a pruned
/// run are pruned, and those of a quantized run lie on its grid.
/// \param path  a run's folder, or a .safetensors file
/// \param model_name  for messages
/// \throws ConfigError at `position` when there are no weights, or those of another network, with
/// the first tensor that differs; Error for a damaged file
void load_start_weights(nn::Module& model, const std::string& model_name, const std::string& path,
                        const compress::Position& position);

}  // namespace espalier::experiment
