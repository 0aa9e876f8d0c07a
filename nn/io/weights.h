#pragma once

#include <map>
#include <string>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// Saves what the layers compute with (effective values of parameters, and buffers) as safetensors
/// with PyTorch's names (`conv1.weight`, `bn1.running_mean`) and layouts (convolution weights
/// `O×I×kH×kW`). Equal weights give equal bytes. What quantizers know of activations, such as their
/// ranges, is in it too (`relu1.output_quantizer`).
void save_weights(const Module& model, const std::string& path);

/// The shapes of the tensors in such a file by their names, in the order of axes that layers have.
std::map<std::string, Shape> weight_shapes(const std::string& path);

/// Loads such a file into the stored values of a model of the same structure. What quantizers know
/// of activations goes to those attached to the model, and is passed over where there are none.
/// \throws Error naming the first tensor that is missing, superfluous or of another shape, or a
///         format version that this build does not read; the model is then as it was
void load_weights(Module& model, const std::string& path);

}  // namespace espalier::nn
