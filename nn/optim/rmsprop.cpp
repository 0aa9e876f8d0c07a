#include "espalier/nn/optim/rmsprop.h"

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/updates.h"

namespace espalier::nn {

RMSprop::RMSprop(Module& model, const Options& options)
    : Optimizer(model, options.lr), options_(options) {
  if (!(options.alpha >= 0 && options.alpha < 1)) throw Error("RMSprop", "alpha must be in [0, 1)");
  if (!(options.epsilon > 0)) throw Error("RMSprop", "epsilon must be above 0");
  if (!(options.momentum >= 0 && options.momentum < 1))
    throw Error("RMSprop", "momentum must be in [0, 1)");
  if (!(options.weight_decay >= 0)) throw Error("RMSprop", "weight_decay must be at least 0");
}

void RMSprop::update(ParameterUpdate& parameter) {
  rmsprop_update({.learning_rate = learning_rate(),
                  .alpha = options_.alpha,
                  .epsilon = options_.epsilon,
                  .momentum = options_.momentum,
                  .weight_decay = options_.weight_decay},
                 parameter.gradient(), parameter.slot("square"),
                 options_.centered ? parameter.slot("mean") : nullptr,
                 options_.momentum > 0 ? parameter.slot("momentum") : nullptr, parameter.value());
}

}  // namespace espalier::nn
