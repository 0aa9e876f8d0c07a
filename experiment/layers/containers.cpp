#include "espalier/experiment/layers/builtin.h"
#include "espalier/experiment/layers/layer_reader.h"

namespace espalier::experiment {
namespace {

LayerPlan read_sequential(LayerReader& reader) {
  const LayerChain chain = reader.layers("layers");
  return {chain.output, [chain] { return std::make_unique<nn::Sequential>(chain.make()); }};
}

}  // namespace

void add_containers(LayerKinds& kinds) {
  kinds.add({"Sequential", "layers: one behind the other", "block", read_sequential, "layers"});
}

}  // namespace espalier::experiment
