#pragma once

#include <string>

#include "espalier/autograd/core/shape.h"
#include "espalier/compress/config/value.h"
#include "espalier/nn/parameter.h"

namespace espalier::nn {
struct ModuleRecord;
}

namespace espalier::compress {

/// What an algorithm is told of a layer that it works on.
struct LayerInfo {
  std::string name;                    ///< its path in the model: `block2.conv1`
  std::string type;                    ///< "Conv2d", "Linear"
  Shape shape;                         ///< of its weight: `O×kH×kW×I` or `O×I`
  int index = 0;                       ///< its number among the layers of this compressor
  int rule = 0;                        ///< number of the rule that applies to it, from 0
  Value options;                       ///< that rule as it was written, a map
  nn::Parameter* parameter = nullptr;  ///< the weight
  nn::ModuleRecord* module = nullptr;  ///< what the layer owns beside it

  // For algorithms that decide by more than the weight. Ask for the gradient once, before training:
  // from then on each backward leaves it here, for weights that are masked too.
  void keep_gradient() const { parameter->keep_effective_gradient(); }
  /// d(loss)/d(what the layer computed with), of the last backward; undefined before one.
  Tensor gradient() const { return parameter->effective_gradient(); }
  /// What optimizers keep for the weight, by its name: SGD `momentum`, Adam and AdamW `m` and `v`,
  /// RMSprop `square`, `mean`, `momentum`. \throws Error naming those there are
  Tensor moment(const std::string& slot) const { return parameter->slot_value(slot); }
};

/// A layer that a rule has taken out, or that the algorithm leaves out by itself.
struct ExcludedLayer {
  std::string name;      ///< its path in the model
  int rule = 0;          ///< number of the rule that did, from 0
  std::string why = {};  ///< the algorithm's reason; empty where the rule says so
};

}  // namespace espalier::compress
