#include "espalier/experiment/layers/builtin.h"
#include "espalier/experiment/layers/layer_reader.h"
#include "espalier/nn/layers/activation.h"

namespace espalier::experiment {
namespace {

/// A layer without options that keeps the shape.
template <class Layer>
LayerPlan read_plain(LayerReader& reader) {
  return {reader.input(), [] { return std::make_unique<Layer>(); }};
}

}  // namespace

void add_activations(LayerKinds& kinds) {
  kinds.add({"ReLU", "max(x, 0)", "relu", read_plain<nn::ReLU>});
}

}  // namespace espalier::experiment
