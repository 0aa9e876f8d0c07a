#include "espalier/nn/optim/adamw.h"

namespace espalier::nn {

AdamW::AdamW(Module& model, const Options& options)
    : Adam(model, "AdamW",
           {.learning_rate = options.lr,
            .beta1 = options.beta1,
            .beta2 = options.beta2,
            .epsilon = options.epsilon,
            .decoupled_decay = options.weight_decay}) {}

}  // namespace espalier::nn
