#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "espalier/autograd/tensor.h"

/// How operations remember what they did: for backward, and for whoever wants to see the network
/// as a list of operations.
namespace espalier {

struct Node;

/// A tensor's place in the recorded graph.
struct GraphValue {
  std::shared_ptr<Node> producer;  ///< null for a leaf, and once backward has used it up
  Tensor gradient;
  bool requires_grad = false;
  bool keeps_gradient = false;  ///< a leaf, or someone asked for it
  bool used_up = false;
  ~GraphValue();  ///< takes long graphs apart without recursion
};

/// Where an operation's backward puts the gradients of its inputs.
class InputGradients {
 public:
  explicit InputGradients(const std::vector<std::shared_ptr<GraphValue>>& inputs)
      : inputs_(inputs) {}
  /// Whether anybody wants the gradient of the `i`-th input.
  bool needed(int i) const { return inputs_[i] && inputs_[i]->requires_grad; }
  /// Adds to the gradient of the `i`-th input.
  void add(int i, Tensor gradient);

 private:
  const std::vector<std::shared_ptr<GraphValue>>& inputs_;
};

/// Given the gradient of the operation's result, adds to those of its inputs.
using Backward = std::function<void(const Tensor& gradient, InputGradients& into)>;

/// A named number of an operation: a stride, a kernel size.
struct Attribute {
  const char* name;
  double value;
};

/// One recorded operation.
struct Node {
  const char* operation;
  uint64_t sequence;  ///< later operations have larger numbers
  std::vector<std::shared_ptr<GraphValue>> inputs;
  Backward backward;
  std::string layer = {};  ///< the layer it happened in, if somebody profiles
};

/// A value that backward needs, kept with the version it had: reading it after it was overwritten
/// is an error and not a wrong gradient.
class Saved {
 public:
  explicit Saved(const Tensor& value)
      : value_(value.detach()), version_(value.storage()->version) {}
  /// \throws Error naming `operation` when the value was written to in between
  const Tensor& get(const char* operation) const;

 private:
  Tensor value_;
  int64_t version_;
};

/// While it lives, this thread records nothing for backward.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool previous_;
};

/// While it lives, operations and errors of this thread know that they happen inside layer `name`.
class LayerScope {
 public:
  explicit LayerScope(const std::string& name);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;
  /// Path of the layer this thread is in: names joined by dots, empty outside.
  static const std::string& current();

 private:
  size_t previous_length_;
};

/// One operation as a trace saw it. Values are numbered in order of appearance; 0 is the input of
/// the trace, −1 a constant (parameters and what is computed from them alone).
struct TracedOperation {
  std::string operation;
  std::string layer;
  std::vector<Attribute> attributes;
  std::vector<int> inputs;
  std::vector<Shape> input_shapes;
  int output;
  Shape output_shape;
};

/// While it lives, lists the operations that this thread computes from `input`.
class Trace {
 public:
  /// \param input is marked as value 0; compute with the tensor that `input()` returns
  explicit Trace(const Tensor& input);
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  const Tensor& input() const { return input_; }
  const std::vector<TracedOperation>& operations() const { return operations_; }
  /// The number of a value; −1 for what was not computed from the input by recorded operations.
  int number_of(const Tensor& value) const;

 private:
  friend struct Recorder;
  Tensor input_;
  std::vector<std::shared_ptr<GraphValue>> values_;  // by number
  std::vector<TracedOperation> operations_;
  Trace* previous_;
};

/// The glue behind `record`.
struct Recorder {
  static bool wants_backward(std::span<const Tensor* const> inputs);
  static bool tracing();
  static Tensor attach(const char* operation, std::span<const Tensor* const> inputs, Tensor output,
                       std::initializer_list<Attribute> attributes, Backward backward);
};

/// Ends every operation: returns `output`, remembered as the result of `operation` on `inputs`.
/// \param backward `void(const Tensor& gradient, InputGradients& into)`; it is dropped unless an
///        input requires a gradient, and should capture (as `Saved`) only what it needs
template <class F>
Tensor record(const char* operation, std::span<const Tensor* const> inputs, Tensor output,
              std::initializer_list<Attribute> attributes, F&& backward) {
  if (Recorder::wants_backward(inputs)) {
    return Recorder::attach(operation, inputs, std::move(output), attributes,
                            Backward(std::forward<F>(backward)));
  }
  if (Recorder::tracing()) {
    return Recorder::attach(operation, inputs, std::move(output), attributes, nullptr);
  }
  return output;
}
template <class F>
Tensor record(const char* operation, std::initializer_list<const Tensor*> inputs, Tensor output,
              std::initializer_list<Attribute> attributes, F&& backward) {
  return record(operation, std::span(inputs.begin(), inputs.size()), std::move(output), attributes,
                std::forward<F>(backward));
}

}  // namespace espalier
