#include "espalier/autograd/tensor.h"

#include <algorithm>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"

namespace espalier {

Tensor Tensor::zeros(const Shape& shape) {
  return full(shape, 0.0f);
}

Tensor Tensor::full(const Shape& shape, float value) {
  return std::move(NewTensor(shape).fill(value));
}

Tensor Tensor::scalar(float value) {
  return full({}, value);
}

Tensor Tensor::from(const Shape& shape, std::span<const float> values) {
  if (static_cast<int64_t>(values.size()) != shape.elements()) {
    throw Error("tensor", std::to_string(values.size()) + " values do not fill the shape " +
                              shape.to_string() + " of " + std::to_string(shape.elements()));
  }
  NewTensor result(shape);
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

Tensor Tensor::from(const Shape& shape, std::initializer_list<float> values) {
  return from(shape, std::span(values.begin(), values.end()));
}

Tensor Tensor::generate(const Shape& shape, const std::function<float(int64_t)>& value) {
  NewTensor result(shape);
  for (int64_t i = 0; i < result.size(); ++i) result[i] = value(i);
  return result;
}

float Tensor::item() const {
  if (!defined() || size() != 1) {
    throw Error("tensor", "item() needs exactly one element, the shape is " + shape_.to_string());
  }
  return data()[0];
}

Tensor& Tensor::require_grad() {
  if (graph_ && (graph_->producer || graph_->used_up)) {
    throw Error("tensor", "require_grad() is for leaves; this is a result, see retain_grad()");
  }
  if (!graph_) graph_ = std::make_shared<GraphValue>();
  graph_->requires_grad = graph_->keeps_gradient = true;
  return *this;
}

bool Tensor::requires_grad() const {
  return graph_ && graph_->requires_grad;
}

const Tensor& Tensor::grad() const {
  static const Tensor none;
  return graph_ ? graph_->gradient : none;
}

void Tensor::zero_grad() {
  if (graph_) graph_->gradient = Tensor();
}

void Tensor::retain_grad() const {
  if (!requires_grad())
    throw Error("tensor", "retain_grad() needs a tensor that requires a gradient");
  graph_->keeps_gradient = true;
}

Tensor Tensor::detach() const {
  return Tensor(storage_, shape_);
}

float* Tensor::mutable_data(const MutationKey&) {
  ++storage_->version;
  return storage_->memory.as();
}

NewTensor::NewTensor(const Shape& shape) : storage_(std::make_shared<Storage>()), shape_(shape) {
  storage_->memory =
      Engine::current().buffers().take(static_cast<size_t>(shape.elements()) * sizeof(float));
}

NewTensor& NewTensor::fill(float value) {
  std::fill_n(data(), size(), value);
  return *this;
}

Labels::Labels(std::span<const int32_t> classes) : size_(static_cast<int64_t>(classes.size())) {
  Buffer memory = Engine::current().buffers().take(classes.size() * sizeof(int32_t));
  std::copy(classes.begin(), classes.end(), memory.as<int32_t>());
  memory_ = std::make_shared<const Buffer>(std::move(memory));
}

}  // namespace espalier
