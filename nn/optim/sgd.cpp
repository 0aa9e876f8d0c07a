#include "espalier/nn/optim/sgd.h"

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/updates.h"

namespace espalier::nn {

SGD::SGD(Module& model, const Options& options) : Optimizer(model, options.lr), options_(options) {
  if (!(options.momentum >= 0 && options.momentum < 1))
    throw Error("SGD", "momentum must be in [0, 1)");
  if (!(options.weight_decay >= 0)) throw Error("SGD", "weight_decay must be at least 0");
  if (options.nesterov && options.momentum == 0)
    throw Error("SGD", "nesterov needs a momentum above 0");
}

void SGD::update(ParameterUpdate& parameter) {
  sgd_update({learning_rate(), options_.momentum, options_.weight_decay, options_.nesterov},
             parameter.gradient(), options_.momentum > 0 ? parameter.slot("momentum") : nullptr,
             parameter.value());
}

}  // namespace espalier::nn
