#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "espalier/autograd/core/shape.h"
#include "espalier/compress/config/value.h"
#include "espalier/nn/layers/sequential.h"

namespace espalier::experiment {

class LayerReader;

/// A layer that has been read and checked, but not made: reading a network takes no memory for
/// weights and draws no random numbers.
struct LayerPlan {
  Shape output;  ///< what it makes of one sample
  std::function<std::unique_ptr<nn::Module>()> make;
  // Filled in by `read_layers`:
  std::string name = {};         ///< what its parent calls it
  compress::Value written = {};  ///< `Conv2d: {…}` with every option spelled out
};

/// Layers one behind the other.
struct LayerChain {
  std::vector<LayerPlan> layers;
  Shape output;  ///< of the last one; the input's shape if there is none

  nn::Sequential make() const;
  /// Each layer's `written`.
  compress::Value written() const;
};

/// A type of layer that configurations may name.
struct LayerKind {
  std::string name;         ///< "Conv2d"
  std::string description;  ///< one line for listings: the options, and what the layer does
  std::string stem;         ///< what unnamed ones are called, with a number: "conv"
  /// Asks for the options and gives `output` and `make`. \throws ConfigError
  LayerPlan (*read)(LayerReader& reader);
  /// The option that a bare list is, as in `Sequential: [ReLU, Flatten]`; empty if none is.
  std::string list_option = {};
};

/// The types of layers by name. An object that a program may extend; nothing registers itself.
class LayerKinds {
 public:
  /// The layers of this library.
  static LayerKinds with_builtin();

  /// \throws Error if the name is taken
  void add(LayerKind kind);
  const std::vector<LayerKind>& entries() const { return entries_; }
  /// Null if there is none of that name.
  const LayerKind* find(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  std::vector<LayerKind> entries_;
};

}  // namespace espalier::experiment
