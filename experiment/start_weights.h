#pragma once

#include <string>

#include "espalier/compress/config/position.h"
#include "espalier/experiment/model_config.h"
#include "espalier/nn/module.h"

namespace espalier::experiment {

/// The file of weights of a run. \param what names the run in messages: "the teacher"
/// \throws ConfigError at `position` when the folder holds no run, or that has no weights yet
std::string weights_of_run(const std::string& folder, const std::string& what,
                           const compress::Position& position);

/// Begins with trained weights instead of start values: the model gets parameters and buffers from
/// a file of weights, or from that of a run. Such a file holds effective weights: those of a pruned
/// run are pruned, and those of a quantized run lie on its grid.
/// If they are of a network that has lost channels, the model loses as many.
/// \param path  a run's folder, or a .safetensors file
/// \throws ConfigError at `position` when there are no weights, or those of another network, with
/// the first tensor that differs; Error for a damaged file
void load_start_weights(nn::Module& model, const ModelConfig& config, const std::string& path,
                        const compress::Position& position);

/// Removes channels until the model has the shapes of a file of weights, if that can be: the
/// network of the file may have lost some. Otherwise the model stays as it is, and
/// `nn::load_weights` tells what does not fit.
/// \param sample  what the model takes, `H×W×C`
void fit_to_weights(nn::Module& model, const Shape& sample, const std::string& file);

}  // namespace espalier::experiment
