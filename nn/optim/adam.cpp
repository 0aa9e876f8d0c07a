#include "espalier/nn/optim/adam.h"

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/updates.h"

namespace espalier::nn {

Adam::Adam(Module& model, const Options& options)
    : Optimizer(model, options.lr), options_(options) {
  const auto is_beta = [](double beta) { return beta >= 0 && beta < 1; };
  if (!is_beta(options.beta1) || !is_beta(options.beta2))
    throw Error("Adam", "beta1 and beta2 must be in [0, 1)");
  if (!(options.epsilon > 0)) throw Error("Adam", "epsilon must be above 0");
  if (!(options.weight_decay >= 0)) throw Error("Adam", "weight_decay must be at least 0");
}

void Adam::update(ParameterUpdate& parameter) {
  adam_update(
      {learning_rate(), options_.beta1, options_.beta2, options_.epsilon, options_.weight_decay},
      steps(), parameter.gradient(), parameter.slot("m"), parameter.slot("v"), parameter.value());
}

}  // namespace espalier::nn
