#include "espalier/nn/layers/activation.h"

#include "espalier/experiment/layers/builtin.h"
#include "espalier/experiment/layers/layer_reader.h"
#include "espalier/nn/layers/dropout.h"

namespace espalier::experiment {
namespace {

/// A layer without options that keeps the shape.
template <class Layer>
LayerPlan read_plain(LayerReader& reader) {
  return {reader.input(), [] { return std::make_unique<Layer>(); }};
}

LayerPlan read_leaky_relu(LayerReader& reader) {
  const double slope = reader.number("slope", {.fallback = 0.01});
  return {reader.input(), [slope] {
            return std::make_unique<nn::LeakyReLU>(
                nn::LeakyReLU::Options{.slope = static_cast<float>(slope)});
          }};
}

LayerPlan read_dropout(LayerReader& reader) {
  nn::Dropout::Options o;
  o.p = reader.number("p", {.min = 0, .below = 1, .fallback = o.p});
  return {reader.input(), [o] { return std::make_unique<nn::Dropout>(o); }};
}

}  // namespace

void add_activations(LayerKinds& kinds) {
  kinds.add({"ReLU", "max(x, 0)", "relu", read_plain<nn::ReLU>});
  kinds.add({"ReLU6", "min(max(x, 0), 6)", "relu6_", read_plain<nn::ReLU6>});
  kinds.add({"LeakyReLU", "slope: slope·x below 0", "leaky_relu", read_leaky_relu});
  kinds.add({"Sigmoid", "1/(1 + exp(−x))", "sigmoid", read_plain<nn::Sigmoid>});
  kinds.add({"Tanh", "the hyperbolic tangent", "tanh", read_plain<nn::Tanh>});
  kinds.add({"GELU", "x·Φ(x)", "gelu", read_plain<nn::GELU>});
  kinds.add({"Hardswish", "x·min(max(x + 3, 0), 6)/6", "hardswish", read_plain<nn::Hardswish>});
  kinds.add({"Dropout", "p: in training sets values to 0 with that probability", "dropout",
             read_dropout});
}

}  // namespace espalier::experiment
