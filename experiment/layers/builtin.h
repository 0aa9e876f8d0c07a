#pragma once

#include "espalier/experiment/layers/layer_kinds.h"

/// The library's own layers, in the order of listings. To add one, write a line and a read function
/// in the file of its like.
namespace espalier::experiment {

void add_weighted_layers(LayerKinds& kinds);
void add_activations(LayerKinds& kinds);
void add_pooling(LayerKinds& kinds);
void add_containers(LayerKinds& kinds);

}  // namespace espalier::experiment
