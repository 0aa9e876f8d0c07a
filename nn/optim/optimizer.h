#pragma once

#include <memory>
#include <string>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// What an optimizer may touch of a parameter while it updates it.
class ParameterUpdate {
 public:
  const Tensor& gradient() const { return parameter_.gradient(); }
  Role role() const { return parameter_.role(); }
  int64_t size() const { return parameter_.size(); }
  /// The stored value, to be overwritten with the new one.
  float* value() { return parameter_.mutable_latent({}); }
  /// The optimizer's own memory for this parameter, as large as it; zeros at first. Masks and
  /// removed channels are applied to it as to the weight.
  float* slot(const std::string& name) { return parameter_.slot({}, owner_, name); }

 private:
  friend class Optimizer;
  ParameterUpdate(Parameter& parameter, int owner) : parameter_(parameter), owner_(owner) {}
  Parameter& parameter_;
  int owner_;
};

/// The base of optimizers. It finds the parameters through the model at each step, keeps its state
/// with them, and holds still what a mask has frozen, whatever the rule in `update` does.
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Forgets all gradients.
  void zero_grad();
  /// Updates every parameter that has a gradient.
  void step();

  double learning_rate() const { return learning_rate_; }
  /// \throws Error unless finite and not negative
  void set_learning_rate(double rate);
  int64_t steps() const { return steps_; }
  /// Visits what the optimizer must remember when training stops and goes on, beside its slots.
  virtual void visit_state(StateVisitor& state);

 protected:
  Optimizer(Module& model, double learning_rate);

 private:
  /// Applies the rule to one parameter; `steps()` counts the running step already.
  virtual void update(ParameterUpdate& parameter) = 0;

  std::shared_ptr<ModuleRecord> model_;
  int id_;  // tells optimizers of one model apart
  double learning_rate_;
  int64_t steps_ = 0;
};

}  // namespace espalier::nn
