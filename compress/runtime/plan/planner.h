#pragma once

#include "espalier/compress/runtime/plan/pack.h"
#include "espalier/compress/runtime/plan/plan.h"
#include "espalier/compress/runtime/plan/value_uses.h"

namespace espalier::runtime {

/// Makes a plan, operation by operation. What all of them need is in planner.cpp, operations
/// without weights are in planner_operations.cpp, layers with weights in planner_layers.cpp.
class Planner {
 public:
  /// For the parameters see make_plan.
  Planner(const Graph& graph, WeightReader& weights, const PlanOptions& options, Budget& budget,
          Plan& plan, bool& wide_weights)
      : graph_(graph),
        weights_(weights),
        options_(options),
        budget_(budget),
        plan_(plan),
        kernels_(*plan.kernels),
        wide_weights_(wide_weights) {}

  Status make();

 private:
  Status no_memory() const;
  int32_t input_index(const Operation& o, int i) const {
    return runtime::input_index(graph_, o, i);
  }

  // ---- Buffers and steps.

  /// `block` 0: all channels side by side.
  Status make_buffer(const Value& value, int32_t block, int32_t border, int32_t& index);
  Buffer& buffer(int32_t index) { return plan_.buffers[index]; }
  /// The buffer of an operation's result. `block` as above.
  Status output_buffer(const Operation& o, int32_t block, int32_t& index);
  int32_t input_buffer(const Operation& o, int i = 0) const {
    return buffer_of_[static_cast<size_t>(input_index(o, i))];
  }
  /// Whether an operation reads a flattened picture that lies in its buffer as a picture.
  bool is_picture(const Operation& o) const {
    return picture_[static_cast<size_t>(input_index(o, 0))] != 0;
  }
  /// The buffer itself, or a copy of it in another layout. `block` 0: all channels.
  Status in_layout(int32_t wanted, const Value& value, int32_t block, int32_t border,
                   int32_t& result);
  Step& add_step(StepKind kind, int32_t input, int32_t output);
  Status plan_operation(const Operation& o);

  // ---- Operations without weights.

  /// Pools keep the layout of their input.
  Status plan_pool(const Operation& o);
  Status plan_add(const Operation& o);
  Status plan_concat(const Operation& o);
  /// Input i of a conversion or a concatenation, into the result from a channel on.
  Status plan_convert(const Operation& o, int i, int32_t first_channel);
  Status plan_reshape(const Operation& o);
  Status plan_activation(const Operation& o);

  // ---- Layers with weights.

  Status plan_layer(const Operation& o);
  /// The sum that the result of this layer goes into and nothing else, if the sum's other part is
  /// there already in the same layout.
  const Operation* following_sum(const Layer& layer, int32_t block);
  /// Which input of the sum is not the layer's; −1: both are.
  int other_part(const Operation& sum, const Operation& layer) const;
  /// The step of a layer with its result's buffer, and with a sum if one follows.
  Status layer_step(const Layer& layer, StepKind kind, int32_t from, int32_t block, int32_t groups,
                    Step*& step);
  /// The step of a convolution that reads and makes pixels with all channels side by side, computed
  /// in so many parts.
  Status convolution_step(const Layer& layer, StepKind kind, int32_t groups, Step*& step);
  /// Where windows begin, and how far they are apart.
  void set_windows(const Operation& o, const Buffer& from, Step& step);
  /// The input of a strided convolution, sorted into phases; once for all that read it so.
  Status in_phases(const Layer& layer, int32_t block, int32_t& result);
  Status plan_dense_conv(const Layer& layer);
  Status plan_depthwise(const Layer& layer);
  Status plan_sparse_conv(const Layer& layer);
  Status plan_dense_linear(const Layer& layer);
  Status plan_sparse_linear(const Layer& layer);

  const Graph& graph_;
  WeightReader& weights_;
  const PlanOptions& options_;
  Budget& budget_;
  Plan& plan_;
  const Kernels& kernels_;
  bool& wide_weights_;

  Array<int32_t> buffer_of_;  // by value; −1: none yet
  ValueUses values_;
  Array<uint8_t> picture_;  // whether a flattened value lies in the buffer as a picture
  struct Sorted {
    int32_t stride, buffer;
  };
  Array<Sorted> sorted_;  // by value: the phases that it was sorted into last; stride 0: none
  Array<uint8_t> fused_;  // whether an operation is done by a step before
};

}  // namespace espalier::runtime
