#pragma once

#include <string>

#include "espalier/compress/file/network.h"

namespace espalier::compress {

struct OnnxOptions {
  /// Whether the model takes pixel/255 and begins with (x − mean)/deviation itself. Otherwise it
  /// takes values that are normalised already, and says mean and deviation in its metadata.
  bool normalise = false;
};

/// Writes a network as a model of ONNX (opset 17, IR version 8), for other runtimes.
///
/// The model has one input `input` and one output `logits`, both float32: a picture of `H×W×C` is
/// `N×C×H×W` there, as users of ONNX expect it, a sample of `C` values is `N×C`; N is left open.
/// Tensors carry the names of layers: `conv1`, `conv1.weight`, `conv1.bias`.
///
/// What is float32 in the network is float32 there, weights that are stored as codes or as indices
/// too. A value with codes is QuantizeLinear and DequantizeLinear with a zero point of uint8 (code
/// + 128), and weights and biases for such inputs are int8 (uint8 where their codes need it) and
/// int32 behind DequantizeLinear. A runtime may compute that with integers, and rounds in its own
/// way: its codes can differ from ours by one step, and where it takes another path by few.
///
/// The file is written whole or not at all.
/// \throws Error naming the layer for a network that contradicts itself or that needs more than
///         ONNX's 2 GiB; naming the path if it cannot be written; naming the missing package in a
///         build without ONNX
void export_onnx(const file::Network& network, const std::string& path,
                 const OnnxOptions& options = {});

}  // namespace espalier::compress
