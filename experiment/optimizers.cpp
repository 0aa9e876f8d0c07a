#include "espalier/experiment/optimizers.h"

#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/adamw.h"
#include "espalier/nn/optim/rmsprop.h"
#include "espalier/nn/optim/sgd.h"

namespace espalier::experiment {
namespace {

using compress::MapReader;
using compress::Value;

MakeOptimizer read_sgd(MapReader& reader, Value& spelled_out) {
  nn::SGD::Options options;
  options.lr = reader.number("lr", {.above = 0, .fallback = options.lr});
  options.momentum =
      reader.number("momentum", {.min = 0, .below = 1, .fallback = options.momentum});
  options.weight_decay =
      reader.number("weight_decay", {.min = 0, .fallback = options.weight_decay});
  options.nesterov = reader.boolean("nesterov", options.nesterov);
  if (options.nesterov && options.momentum == 0)
    reader.fail("nesterov", "needs a momentum above 0");
  spelled_out = Value::map({{"lr", options.lr},
                            {"momentum", options.momentum},
                            {"weight_decay", options.weight_decay},
                            {"nesterov", options.nesterov}});
  return [options](nn::Module& model) { return std::make_unique<nn::SGD>(model, options); };
}

/// Of Adam and AdamW, whose options have the same names.
template <class AnyAdam>
MakeOptimizer read_adam(MapReader& reader, Value& spelled_out) {
  typename AnyAdam::Options options;
  options.lr = reader.number("lr", {.above = 0, .fallback = options.lr});
  options.beta1 = reader.number("beta1", {.min = 0, .below = 1, .fallback = options.beta1});
  options.beta2 = reader.number("beta2", {.min = 0, .below = 1, .fallback = options.beta2});
  options.epsilon = reader.number("epsilon", {.above = 0, .fallback = options.epsilon});
  options.weight_decay =
      reader.number("weight_decay", {.min = 0, .fallback = options.weight_decay});
  spelled_out = Value::map({{"lr", options.lr},
                            {"beta1", options.beta1},
                            {"beta2", options.beta2},
                            {"epsilon", options.epsilon},
                            {"weight_decay", options.weight_decay}});
  return [options](nn::Module& model) { return std::make_unique<AnyAdam>(model, options); };
}

MakeOptimizer read_rmsprop(MapReader& reader, Value& spelled_out) {
  nn::RMSprop::Options options;
  options.lr = reader.number("lr", {.above = 0, .fallback = options.lr});
  options.alpha = reader.number("alpha", {.min = 0, .below = 1, .fallback = options.alpha});
  options.epsilon = reader.number("epsilon", {.above = 0, .fallback = options.epsilon});
  options.momentum =
      reader.number("momentum", {.min = 0, .below = 1, .fallback = options.momentum});
  options.weight_decay =
      reader.number("weight_decay", {.min = 0, .fallback = options.weight_decay});
  options.centered = reader.boolean("centered", options.centered);
  spelled_out = Value::map({{"lr", options.lr},
                            {"alpha", options.alpha},
                            {"epsilon", options.epsilon},
                            {"momentum", options.momentum},
                            {"weight_decay", options.weight_decay},
                            {"centered", options.centered}});
  return [options](nn::Module& model) { return std::make_unique<nn::RMSprop>(model, options); };
}

}  // namespace

const std::vector<Kind<MakeOptimizer>>& optimizer_kinds() {
  static const std::vector<Kind<MakeOptimizer>> kinds = {
      {"SGD", "lr, momentum, weight_decay, nesterov", read_sgd},
      {"Adam", "lr, beta1, beta2, epsilon, weight_decay", read_adam<nn::Adam>},
      {"AdamW", "the same, with decay apart from the gradient", read_adam<nn::AdamW>},
      {"RMSprop", "lr, alpha, epsilon, momentum, weight_decay, centered", read_rmsprop},
  };
  return kinds;
}

}  // namespace espalier::experiment
