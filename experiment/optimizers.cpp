#include "espalier/experiment/optimizers.h"

#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/adamw.h"
#include "espalier/nn/optim/rmsprop.h"
#include "espalier/nn/optim/sgd.h"

namespace espalier::experiment {
namespace {

using compress::MapReader;
using compress::Value;

constexpr std::string_view lr_help = "Learning rate; the schedule multiplies it.";
constexpr std::string_view momentum_help = "How much of the last step goes into the next.";
constexpr std::string_view decay_help =
    "Pulls weights towards 0: an L2 penalty of that strength, or in AdamW a decay apart from the "
    "gradient.";
constexpr std::string_view epsilon_help = "Keeps the division from blowing up near 0.";

MakeOptimizer read_sgd(MapReader& reader, Value& spelled_out) {
  nn::SGD::Options options;
  options.lr = reader.number("lr", {.above = 0, .fallback = options.lr, .help = lr_help});
  options.momentum = reader.number(
      "momentum", {.min = 0, .below = 1, .fallback = options.momentum, .help = momentum_help});
  options.weight_decay = reader.number(
      "weight_decay", {.min = 0, .fallback = options.weight_decay, .help = decay_help});
  options.nesterov =
      reader.boolean("nesterov", options.nesterov,
                     "Looks ahead along the momentum (Nesterov); needs a momentum above 0.");
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
  options.lr = reader.number("lr", {.above = 0, .fallback = options.lr, .help = lr_help});
  options.beta1 = reader.number("beta1", {.min = 0,
                                          .below = 1,
                                          .fallback = options.beta1,
                                          .help = "Decay of the running mean of the gradient."});
  options.beta2 =
      reader.number("beta2", {.min = 0,
                              .below = 1,
                              .fallback = options.beta2,
                              .help = "Decay of the running mean of the squared gradient."});
  options.epsilon =
      reader.number("epsilon", {.above = 0, .fallback = options.epsilon, .help = epsilon_help});
  options.weight_decay = reader.number(
      "weight_decay", {.min = 0, .fallback = options.weight_decay, .help = decay_help});
  spelled_out = Value::map({{"lr", options.lr},
                            {"beta1", options.beta1},
                            {"beta2", options.beta2},
                            {"epsilon", options.epsilon},
                            {"weight_decay", options.weight_decay}});
  return [options](nn::Module& model) { return std::make_unique<AnyAdam>(model, options); };
}

MakeOptimizer read_rmsprop(MapReader& reader, Value& spelled_out) {
  nn::RMSprop::Options options;
  options.lr = reader.number("lr", {.above = 0, .fallback = options.lr, .help = lr_help});
  options.alpha =
      reader.number("alpha", {.min = 0,
                              .below = 1,
                              .fallback = options.alpha,
                              .help = "Decay of the running mean of the squared gradient."});
  options.epsilon =
      reader.number("epsilon", {.above = 0, .fallback = options.epsilon, .help = epsilon_help});
  options.momentum = reader.number(
      "momentum", {.min = 0, .below = 1, .fallback = options.momentum, .help = momentum_help});
  options.weight_decay = reader.number(
      "weight_decay", {.min = 0, .fallback = options.weight_decay, .help = decay_help});
  options.centered = reader.boolean(
      "centered", options.centered,
      "Divides by the standard deviation of the gradient, not by its root mean square.");
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
      {"SGD", "steps along the gradient, with momentum", read_sgd},
      {"Adam", "a step size of its own for each weight", read_adam<nn::Adam>},
      {"AdamW", "Adam, with a decay of the weights apart from the gradient", read_adam<nn::AdamW>},
      {"RMSprop", "divides by the size of recent gradients", read_rmsprop},
  };
  return kinds;
}

}  // namespace espalier::experiment
