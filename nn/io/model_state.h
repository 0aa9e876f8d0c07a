#pragma once

#include "espalier/nn/io/state.h"
#include "espalier/nn/module.h"

namespace espalier::nn {

/// Visits everything of a model that training changes: of each module its parameters (stored
/// values, optimizers' slots), its buffers, and what its own `visit_state` says. Names begin with
/// the path of the module: `conv1.weight.latent`, `bn1.running_mean`. Optimizers, compressors and
/// the transforms that they attached describe themselves. \throws Error when restoring what another
/// model has saved; the model is then half restored
void visit_model_state(Module& model, StateVisitor& state);

}  // namespace espalier::nn
