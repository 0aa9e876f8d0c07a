#pragma once

#include <string>
#include <vector>

#include "espalier/autograd/core/shape.h"
#include "espalier/compress/file/network.h"
#include "espalier/nn/module.h"

namespace espalier::compress {

/// What of a network is not in its layers.
struct DescribeOptions {
  Shape sample;                               ///< what it takes: `H×W×C`, or one axis of values
  std::vector<float> mean = {};               ///< of pixel/255, per channel, for all, or none: see
  std::vector<float> deviation = {};          ///< `file::Normalisation`
  std::vector<std::string> class_names = {};  ///< of the numbers of the result; may be empty
};

/// To what integer biases in front of values on this grid are rounded: 2⁻¹⁴ of the grid's range,
/// which is 1/64 of a step at 8 bits.
double bias_rounding(const file::Grid& grid);
/// And in front of float32, in relation to the largest of the layer, which tells how large results
/// are: 1/256.
double float_bias_rounding(double largest_bias);

/// A network as an engine would run it, and what its values are in the model.
struct Description {
  file::Network network;
  /// For each quantization of activations, in the order in which a forward pass of the model
  /// performs them: the value of the network whose codes it gives, −1 where there is none.
  std::vector<int> quantized;
};

/// A network as an engine would run it, with what has effect at this moment: masks, quantized
/// weights and the grids of activations.
///
/// Batch normalisations become part of the convolution or linear layer in front of them (Jacob et
/// al., arXiv 1712.05877, section 3.2), W ← W·γ/√(variance + ε), b ← β + (b − mean)·γ/√(variance +
/// ε), and ReLU and ReLU6 of the operation in front. A layer computes with integers where its input
/// has a grid and its weight lies on steps; what is not quantized is computed in float32.
///
/// Integer biases are multiples of scale_w·scale_x, rounded to multiples of a power of two of that,
/// so that they cost few bits, by at most half a `bias_rounding` (or `float_bias_rounding`, where
/// the result has no grid). Where scale_w·scale_x is coarser than one, as it can be at few bits,
/// the layer's codes are multiplied by a power of two and its scales divided by it, as far as codes
/// of 8 bits go.
///
/// \throws Error naming operation and layer for what cannot be exported: an operation that engines
/// do
///         not know, activations of more than 8 bits
file::Network describe(nn::Module& model, const DescribeOptions& options);
/// The same, to be compared with the model.
Description describe_followed(nn::Module& model, const DescribeOptions& options);

}  // namespace espalier::compress
