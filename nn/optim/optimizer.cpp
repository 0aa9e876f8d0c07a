#include "espalier/nn/optim/optimizer.h"

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/profile.h"

namespace espalier::nn {
namespace {

template <class Visit>
void for_each_parameter(const ModuleRecord& record, Visit&& visit) {
  for (const auto& parameter : record.parameters) visit(*parameter);
  for (const auto& child : record.children) for_each_parameter(*child->record(), visit);
}

}  // namespace

Optimizer::Optimizer(Module& model, double learning_rate)
    : model_(model.record()), id_(model_->next_optimizer++) {
  set_learning_rate(learning_rate);
}

Optimizer::~Optimizer() {
  for_each_parameter(*model_, [&](Parameter& parameter) { parameter.drop_slots({}, id_); });
}

void Optimizer::zero_grad() {
  for_each_parameter(*model_, [](Parameter& parameter) { parameter.zero_grad(); });
  Profile::lap("", "zero_grad", Work::optimizer);
}

void Optimizer::step() {
  FlushDenormals flush;
  ++steps_;
  for_each_parameter(*model_, [&](Parameter& parameter) {
    if (!parameter.gradient().defined()) return;
    if (parameter.held()) {
      parameter.count_update({});
      return;
    }
    const Mask movable = parameter.trainable();
    Tensor before;
    if (movable.defined()) before = Tensor::from(parameter.shape(), parameter.latent({}).values());
    ParameterUpdate access(parameter, id_);
    update(access);
    if (movable.defined()) {
      // Weight decay and momentum move a weight that has no gradient. Undone here once, so that no
      // optimizer has to know about frozen weights.
      float* value = access.value();
      for (int64_t i = 0; i < movable.size(); ++i) {
        if (!movable[i]) value[i] = before[i];
      }
      parameter.zero_masked_slots({}, movable);
    }
    parameter.count_update({});
  });
  Profile::lap("", "step", Work::optimizer);
}

void Optimizer::visit_state(StateVisitor& state) {
  state("steps", steps_);
  state("learning_rate", learning_rate_);
}

void Optimizer::set_learning_rate(double rate) {
  if (!(rate >= 0) || std::isinf(rate)) {
    throw Error("optimizer",
                "the learning rate must be a number of at least 0, not " + std::to_string(rate));
  }
  learning_rate_ = rate;
}

}  // namespace espalier::nn
