#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/nn/module.h"

namespace espalier::compress {

/// A tensor that goes from one operation to others.
struct NetworkValue {
  Shape shape;        ///< with the batch axis, whose extent is 1
  int producer = -1;  ///< number of the operation it comes from; −1: the network's input
  std::vector<int> consumers = {};  ///< numbers of the operations that read it, in order, each once
  /// What all who read it see it through, because a quantizer stands behind its producer.
  std::optional<QuantizationGrid> grid = {};
};

/// What an operation reads.
struct NetworkInput {
  int value = -1;  ///< number of a value; −1: a constant, such as a parameter, or nothing
  Shape shape;     ///< of the value or the constant; without axes where there is nothing
  /// A quantizer in front of this operation alone, behind `NetworkValue::grid` if there is one.
  std::optional<QuantizationGrid> grid = {};
};

/// One operation of a network as evaluation performs it.
struct NetworkOperation {
  std::string kind;                          ///< "conv2d", "batch_norm", … as in autograd/ops.h
  std::string layer;                         ///< path of the layer that performs it
  std::string layer_type;                    ///< "Conv2d", …
  std::shared_ptr<nn::ModuleRecord> module;  ///< that layer
  std::vector<Attribute> attributes;         ///< strides and the like
  std::vector<NetworkInput> inputs;          ///< in the order of the operation's arguments
  int output = -1;                           ///< number of the value it makes

  /// \throws Error if the operation has recorded no such attribute
  double attribute(std::string_view name) const;
  /// Number of the value it reads first.
  int input() const { return inputs.front().value; }
  /// The layer's parameter of that name that the operation has as its argument `position`.
  /// \throws Error if the layer has none of that name, or one of another shape than the argument
  nn::Parameter& parameter(std::string_view name, size_t position) const;
  /// The weight of a conv2d or linear, the scale of a batch_norm.
  nn::Parameter& weight() const { return parameter("weight", 1); }
  /// Its bias or shift; null if it has none.
  nn::Parameter* bias() const;
  /// A buffer of the layer, such as `running_mean`. \throws Error if there is none
  nn::NamedBuffer& buffer(std::string_view name) const;
  /// `conv2d (in layer 'block1.conv1')`, for messages.
  std::string describe() const;
};

/// A `fake_quantize` that a forward pass performs on a value.
struct NetworkQuantization {
  int value = -1;
  QuantizationGrid grid;
};

/// A network as the list of operations that one evaluation forward of it performs, in order: what
/// every pass over the structure reads. Value 0 is the network's input.
///
/// What stands in a layer only for quantization or for gradients (`fake_quantize`,
/// `quantize_grad`) is not among the operations; the grid of a `fake_quantize` is with the value,
/// or with the one who reads it, and all of them are in `quantizations`. What is done to parameters
/// alone is no operation of the network: ask `nn::Parameter::effective_value`. All kinds of
/// operations are listed; a pass that meets one it does not know throws `unknown_operation`.
class Graph {
 public:
  /// Runs one sample of zeros through the model, in evaluation mode and without gradients.
  /// \param sample  `H×W×C`, or whatever a sample's shape is
  /// \throws Error if the result does not depend on the input, or a value is quantized in a way
  ///         that one grid cannot say; and what the model throws
  static Graph of(nn::Module& model, const Shape& sample);

  const std::vector<NetworkOperation>& operations() const { return operations_; }
  const std::vector<NetworkValue>& values() const { return values_; }
  const NetworkOperation& operation(int number) const {
    return operations_[static_cast<size_t>(number)];
  }
  const NetworkValue& value(int number) const { return values_[static_cast<size_t>(number)]; }
  /// In the order in which the forward pass performs them.
  const std::vector<NetworkQuantization>& quantizations() const { return quantizations_; }
  /// Number of the value that is the network's result.
  int result() const { return result_; }

 private:
  std::vector<NetworkOperation> operations_;
  std::vector<NetworkValue> values_;
  std::vector<NetworkQuantization> quantizations_;
  int result_ = 0;
};

/// The error of a pass that does not know an operation: it names the operation and its layer.
/// \param pass  what cannot be done: "channel groups"
Error unknown_operation(std::string_view pass, const NetworkOperation& operation);

}  // namespace espalier::compress
