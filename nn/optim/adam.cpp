#include "espalier/nn/optim/adam.h"

#include "espalier/autograd/core/error.h"

namespace espalier::nn {

Adam::Adam(Module& model, const Options& options)
    : Adam(model, "Adam",
           {.learning_rate = options.lr,
            .beta1 = options.beta1,
            .beta2 = options.beta2,
            .epsilon = options.epsilon,
            .weight_decay = options.weight_decay}) {}

Adam::Adam(Module& model, const char* name, const AdamSettings& settings)
    : Optimizer(model, settings.learning_rate), settings_(settings) {
  const auto is_beta = [](double beta) { return beta >= 0 && beta < 1; };
  if (!is_beta(settings.beta1) || !is_beta(settings.beta2))
    throw Error(name, "beta1 and beta2 must be in [0, 1)");
  if (!(settings.epsilon > 0)) throw Error(name, "epsilon must be above 0");
  if (!(settings.weight_decay >= 0 && settings.decoupled_decay >= 0))
    throw Error(name, "weight_decay must be at least 0");
}

void Adam::update(ParameterUpdate& parameter) {
  settings_.learning_rate = learning_rate();
  adam_update(settings_, steps(), parameter.gradient(), parameter.slot("m"), parameter.slot("v"),
              parameter.value());
}

}  // namespace espalier::nn
