#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "espalier/autograd/core/buffer_pool.h"
#include "espalier/autograd/core/shape.h"

namespace espalier::nn {
class Parameter;
}

namespace espalier {

struct GraphValue;
class NewTensor;

/// The memory behind tensors, shared between handles. `version` counts the writes made after
/// construction, so that backward notices when a value it kept has changed since.
struct Storage {
  Buffer memory;
  int64_t version = 0;
};

/// Needed to write to a tensor that others may hold; only `nn::Parameter` can make one.
class MutationKey {
  friend class nn::Parameter;
  MutationKey() {}  // user-provided: a defaulted one would let `{}` through as an aggregate
};

/// A dense array of float32, row-major, last axis contiguous; images are `N×H×W×C`.
///
/// A tensor is a cheap handle: copies share memory. Its values do not change once it exists (a
/// `NewTensor` is how one comes to be), only optimizers write to parameters. A result of operations
/// on tensors that require a gradient remembers how it was computed; `backward()` follows that.
class Tensor {
 public:
  /// An undefined tensor: `defined()` is false, nothing else may be asked of it.
  Tensor() = default;

  static Tensor zeros(const Shape& shape);
  static Tensor full(const Shape& shape, float value);
  static Tensor scalar(float value);
  /// \throws Error when the number of values is not that of the shape
  static Tensor from(const Shape& shape, std::span<const float> values);
  static Tensor from(const Shape& shape, std::initializer_list<float> values);
  /// Each element from its position in memory: `Tensor::generate({2, 3}, [](int64_t i) { … })`.
  static Tensor generate(const Shape& shape, const std::function<float(int64_t)>& value);

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int64_t size() const { return shape_.elements(); }
  const float* data() const { return storage_->memory.as(); }
  std::span<const float> values() const { return {data(), static_cast<size_t>(size())}; }
  float operator[](int64_t position) const { return data()[position]; }
  /// The value of a tensor with one element. \throws Error for any other
  float item() const;

  /// Makes this tensor a leaf whose gradient backward collects. \throws Error on a result
  Tensor& require_grad();
  bool requires_grad() const;
  /// The gradient that backward collected; undefined if none was.
  const Tensor& grad() const;
  void zero_grad();
  /// Keeps the gradient of a result as well, which backward would drop once used.
  void retain_grad() const;
  /// The same values without the history.
  Tensor detach() const;

  /// Collects d(this)/d(leaf) in the `grad()` of every leaf it was computed from, on the calling
  /// thread, freeing the recorded graph on the way (so it works once).
  /// \throws Error if this is no scalar, was not computed from such a leaf, or the graph is used up
  void backward() const;

  /// For optimizers: the values for writing. Graphs recorded before become invalid.
  float* mutable_data(const MutationKey&);

  // For operations.
  Tensor(std::shared_ptr<Storage> storage, const Shape& shape,
         std::shared_ptr<GraphValue> graph = {})
      : storage_(std::move(storage)), shape_(shape), graph_(std::move(graph)) {}
  const std::shared_ptr<Storage>& storage() const { return storage_; }
  const std::shared_ptr<GraphValue>& graph() const { return graph_; }

 private:
  std::shared_ptr<Storage> storage_;
  Shape shape_;
  std::shared_ptr<GraphValue> graph_;
};

/// A tensor that is being written and that nobody else can see. Give it out by moving it into a
/// `Tensor`; after that its values are fixed.
class NewTensor {
 public:
  /// Memory from the current engine; the values are whatever was there.
  explicit NewTensor(const Shape& shape);

  const Shape& shape() const { return shape_; }
  int64_t size() const { return shape_.elements(); }
  float* data() { return storage_->memory.as(); }
  std::span<float> values() { return {data(), static_cast<size_t>(size())}; }
  float& operator[](int64_t position) { return data()[position]; }
  NewTensor& fill(float value);

  operator Tensor() && { return Tensor(std::move(storage_), shape_); }  // NOLINT: the way out

 private:
  std::shared_ptr<Storage> storage_;
  Shape shape_;
};

/// Class indices of a batch, int32.
class Labels {
 public:
  Labels() = default;
  Labels(std::initializer_list<int32_t> classes)
      : Labels(std::span(classes.begin(), classes.end())) {}
  explicit Labels(std::span<const int32_t> classes);

  int64_t size() const { return size_; }
  const int32_t* data() const { return memory_ ? memory_->as<int32_t>() : nullptr; }
  int32_t operator[](int64_t position) const { return data()[position]; }
  std::span<const int32_t> values() const { return {data(), static_cast<size_t>(size_)}; }

 private:
  std::shared_ptr<const Buffer> memory_;
  int64_t size_ = 0;
};

}  // namespace espalier
