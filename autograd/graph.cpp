#include "espalier/autograd/graph.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "espalier/autograd/backend/vector_kernels.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/profile.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {
namespace {

thread_local bool recording = true;
thread_local std::string layer_path;
thread_local Trace* active_trace = nullptr;
thread_local uint64_t next_sequence = 0;

/// Every value that `root` was computed from through unused operations, latest operation first:
/// an order in which each value's gradient is complete before it is passed on.
std::vector<std::shared_ptr<GraphValue>> computed_values(const std::shared_ptr<GraphValue>& root) {
  std::vector<std::shared_ptr<GraphValue>> found;
  std::vector<std::shared_ptr<GraphValue>> open{root};
  std::unordered_set<GraphValue*> seen{root.get()};
  while (!open.empty()) {
    std::shared_ptr<GraphValue> value = std::move(open.back());
    open.pop_back();
    if (value->used_up) {
      throw Error("backward",
                  "part of this graph was used up by an earlier backward(); compute the "
                  "value again to differentiate it again");
    }
    if (!value->producer) continue;
    for (const std::shared_ptr<GraphValue>& input : value->producer->inputs) {
      if (input && input->requires_grad && seen.insert(input.get()).second) open.push_back(input);
    }
    found.push_back(std::move(value));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return a->producer->sequence > b->producer->sequence;
  });
  return found;
}

/// What an operation does beside the parts that it names itself.
Work kind_of(const std::string& operation) {
  if (operation == "batch_norm") return Work::batch_norm;
  return operation.ends_with("pool2d") ? Work::pooling : Work::elementwise;
}

}  // namespace

GraphValue::~GraphValue() {
  // A chain of a million operations would overflow the stack if each destroyed the one before.
  std::vector<std::shared_ptr<Node>> doomed;
  if (producer && producer.use_count() == 1) doomed.push_back(std::move(producer));
  while (!doomed.empty()) {
    std::shared_ptr<Node> node = std::move(doomed.back());
    doomed.pop_back();
    for (std::shared_ptr<GraphValue>& input : node->inputs) {
      if (input && input.use_count() == 1 && input->producer && input->producer.use_count() == 1) {
        doomed.push_back(std::move(input->producer));
      }
    }
  }
}

void InputGradients::add(int i, Tensor gradient) {
  GraphValue& value = *inputs_[i];
  if (!value.gradient.defined()) {
    value.gradient = std::move(gradient);
  } else if (value.gradient.storage().use_count() == 1) {  // nobody else sees it change
    float* total = value.gradient.storage()->memory.as();
    parallel_for(gradient.size(), elementwise_grain, [&](int64_t begin, int64_t end) {
      backend::vector_kernels().add(end - begin, total + begin, gradient.data() + begin,
                                    total + begin);
    });
  } else {
    NoGrad no_grad;
    value.gradient = espalier::add(value.gradient, gradient);
  }
}

const Tensor& Saved::get(const char* operation) const {
  if (value_.storage()->version != version_) {
    throw Error(operation,
                "a value that backward needs was overwritten since forward (an optimizer "
                "step between forward and backward?); run forward again first");
  }
  return value_;
}

NoGrad::NoGrad() : previous_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() {
  recording = previous_;
}

LayerScope::LayerScope(const std::string& name) : previous_length_(layer_path.size()) {
  if (name.empty()) return;
  if (!layer_path.empty()) layer_path += '.';
  layer_path += name;
}
LayerScope::~LayerScope() {
  layer_path.resize(previous_length_);
}
const std::string& LayerScope::current() {
  return layer_path;
}

Trace::Trace(const Tensor& input)
    : input_(input.storage(), input.shape(), std::make_shared<GraphValue>()),
      values_{input_.graph()},
      previous_(std::exchange(active_trace, this)) {}
Trace::~Trace() {
  active_trace = previous_;
}

int Trace::number_of(const Tensor& value) const {
  if (!value.graph()) return -1;
  const auto found = std::find(values_.begin(), values_.end(), value.graph());
  return found == values_.end() ? -1 : static_cast<int>(found - values_.begin());
}

bool Recorder::wants_backward(std::span<const Tensor* const> inputs) {
  return recording && std::any_of(inputs.begin(), inputs.end(),
                                  [](const Tensor* input) { return input->requires_grad(); });
}

bool Recorder::tracing() {
  return active_trace != nullptr;
}

Tensor Recorder::attach(const char* operation, std::span<const Tensor* const> inputs, Tensor output,
                        std::initializer_list<Attribute> attributes, Backward backward) {
  auto value = std::make_shared<GraphValue>();
  if (backward) {
    value->requires_grad = true;
    value->producer = std::make_shared<Node>();
    value->producer->operation = operation;
    value->producer->sequence = next_sequence++;
    value->producer->backward = std::move(backward);
    for (const Tensor* input : inputs) value->producer->inputs.push_back(input->graph());
    if (Profile::listening()) value->producer->layer = layer_path;
  }
  if (active_trace) {
    Trace& trace = *active_trace;
    TracedOperation traced{operation, layer_path, attributes, {}, {}, -1, output.shape()};
    for (const Tensor* input : inputs) {
      traced.inputs.push_back(trace.number_of(*input));
      traced.input_shapes.push_back(input->shape());
    }
    // What depends on parameters alone (a masked weight, say) is a constant of the network.
    if (std::any_of(traced.inputs.begin(), traced.inputs.end(),
                    [](int input) { return input >= 0; })) {
      traced.output = static_cast<int>(trace.values_.size());
      trace.values_.push_back(value);
      trace.operations_.push_back(std::move(traced));
    }
  }
  if (Profile::listening()) Profile::lap(layer_path, operation, kind_of(operation));
  return Tensor(output.storage(), output.shape(), std::move(value));
}

void Tensor::backward() const {
  if (!defined() || size() != 1) {
    throw Error("backward", "only a single number can be differentiated, not a tensor of shape " +
                                shape_.to_string() + "; reduce it with sum() or mean() first");
  }
  if (!requires_grad()) {
    throw Error("backward", "this value was not computed from anything that requires a gradient");
  }
  FlushDenormals flush;
  NoGrad no_grad;
  std::vector<std::shared_ptr<GraphValue>> order = computed_values(graph_);
  graph_->gradient = Tensor::full(shape_, 1.0f);
  for (std::shared_ptr<GraphValue>& value : order) {
    std::shared_ptr<Node> node = std::move(value->producer);
    value->used_up = true;
    Tensor gradient = value->keeps_gradient ? value->gradient : std::exchange(value->gradient, {});
    value.reset();
    if (!gradient.defined()) continue;
    InputGradients into(node->inputs);
    node->backward(gradient, into);
    if (Profile::listening()) Profile::lap(node->layer, node->operation, kind_of(node->operation));
  }
}

}  // namespace espalier
