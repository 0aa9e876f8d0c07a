#pragma once

#include <map>
#include <string>
#include <vector>

#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/module.h"

namespace espalier::compress {

/// A tensor that an engine keeps between two layers when a network runs: what is computed in one go
/// (a convolution, its batch normalisation and its activation function) has one result.
struct StoredTensor {
  enum class Kind {
    input,    ///< of the network
    layer,    ///< of a layer with weights, behind its batch norm and activation function
    sum,      ///< of a residual addition, behind its activation function
    joined,   ///< of a concatenation
    average,  ///< of an average pooling
    other,    ///< of any other layer that makes values of its own
  };
  Kind kind;
  nn::Module* module;    ///< whose result it is, or whose input
  std::string path;      ///< of that module; empty: the whole network
  std::string weighted;  ///< path of the layer with weights that it belongs to: the one whose
                         ///< result it is, or else the last one before it; the first for the input
};

/// What stands around a layer with weights.
struct LayerSurroundings {
  int input = -1;                         ///< number of the stored tensor that it computes from
  nn::BatchNorm2d* batch_norm = nullptr;  ///< directly behind it, or none
};

/// The tensors that an engine would keep, in the order of the network; number 0 is its input.
/// Maximum pooling, `Flatten` and `Dropout` keep their input's values, so their results are none.
struct StoredTensors {
  std::vector<StoredTensor> tensors;
  std::map<std::string, LayerSurroundings> layers;  ///< by the path of a layer with weights

  /// Follows the layers as they stand in `Sequential`, `Residual` and `Concat`. The layers inside a
  /// container of another type are taken in the order of its children.
  static StoredTensors of(nn::Module& model);
  /// Nothing is known of a layer inside a layer that has weights of its own.
  LayerSurroundings around(const std::string& layer) const {
    const auto found = layers.find(layer);
    return found == layers.end() ? LayerSurroundings() : found->second;
  }
};

}  // namespace espalier::compress
