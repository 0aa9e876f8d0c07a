#include "espalier/compress/export/integer_network.h"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "espalier/autograd/core/error.h"

namespace espalier::compress::c_code {
namespace {

using file::Network, file::Operation, file::Value;

Error complaint(const Operation& operation, const std::string& what) {
  return Error("c source", what).at(operation.layer);
}

void require(bool condition, const Operation& operation, const std::string& what) {
  if (!condition) throw complaint(operation, what);
}

template <class Multiplier>
Multiplier usable(const Operation& operation, Multiplier multiplier) {
  require(multiplier.shift != 0, operation,
          "the scales of weights, input and result are too far apart for integers; quantize the "
          "layer again");
  return multiplier;
}

int64_t product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

/// Checks one operation against the values it connects.
class Check {
 public:
  Check(const Network& network, const Operation& operation)
      : operation_(operation),
        input_(network.values[static_cast<size_t>(operation.inputs[0])]),
        x_(extents(input_)),
        y_(extents(network.values[static_cast<size_t>(operation.output)])),
        network_(network) {}

  void operator()(const file::Convolution& c) const {
    const auto& shape = c.weights.shape;
    require_picture();
    require(shape.size() == 4 && c.groups >= 1 && c.stride >= 1 && c.dilation >= 1 &&
                c.padding >= 0 && shape[3] * c.groups == x_.channels && shape[0] % c.groups == 0,
            operation_, "the weight's shape does not fit the input and its groups");
    result(out(x_.height, (shape[1] - 1) * c.dilation + 1, c.stride, c.padding),
           out(x_.width, (shape[2] - 1) * c.dilation + 1, c.stride, c.padding), shape[0]);
    sums(c.weights, c.bias);
  }
  void operator()(const file::Linear& l) const {
    const auto& shape = l.weights.shape;
    require(shape.size() == 2 && input_.shape.size() == 1 && x_.size() == shape[1], operation_,
            "the weight's shape does not fit the input, which must be a vector");
    result(1, 1, shape[0]);
    sums(l.weights, l.bias);
  }
  void operator()(const file::MaxPool& pool) const {
    windows(pool.kernel, pool.stride, pool.padding);
  }
  void operator()(const file::AveragePool& pool) const {
    windows(pool.kernel, pool.stride, pool.padding);
  }
  void operator()(const file::GlobalAveragePool&) const {
    require_picture();
    result(1, 1, x_.channels);
  }
  void operator()(const file::Add&) const {
    require(operation_.inputs.size() == 2, operation_, "an addition needs two inputs");
    for (const int input : operation_.inputs) {
      require(extents(network_.values[static_cast<size_t>(input)]).size() == y_.size(), operation_,
              "what is added has not the shape of the result");
    }
  }
  void operator()(const file::Concat&) const {
    int64_t channels = 0;
    for (const int input : operation_.inputs) {
      const Extents each = extents(network_.values[static_cast<size_t>(input)]);
      require(each.height == x_.height && each.width == x_.width, operation_,
              "what is put side by side differs in height or width");
      channels += each.channels;
    }
    result(x_.height, x_.width, channels);
  }
  void operator()(const file::Flatten&) const { result(1, 1, x_.size()); }
  void operator()(const file::Reshape&) const { same_size(); }
  void operator()(const file::Activation& activation) const {
    require(activation.table.size() == 256, operation_, "the function has no table of 256 codes");
    same_size();
  }
  void operator()(const file::Convert&) const { same_size(); }

 private:
  static int64_t out(int64_t size, int64_t reach, int64_t stride, int64_t padding) {
    return size + 2 * padding < reach ? 0 : (size + 2 * padding - reach) / stride + 1;
  }
  void result(int64_t height, int64_t width, int64_t channels) const {
    require(y_.height == height && y_.width == width && y_.channels == channels, operation_,
            "the result's shape is not what the operation gives");
  }
  void require_picture() const {
    require(input_.shape.size() == 3, operation_, "the input must have height, width and channels");
  }
  void same_size() const {
    require(x_.size() == y_.size(), operation_, "the result has not as many elements as the input");
  }
  void windows(int kernel, int stride, int padding) const {
    require_picture();
    require(kernel >= 1 && stride >= 1 && padding >= 0 && padding < kernel, operation_,
            "the window's kernel, stride or padding is out of range");
    result(out(x_.height, kernel, stride, padding), out(x_.width, kernel, stride, padding),
           x_.channels);
  }
  /// Integers of the right number, whose sums an int32 holds whatever the input is.
  void sums(const file::Weights& weights, const file::Bias& bias) const {
    const auto outputs = static_cast<size_t>(weights.shape[0]);
    const auto size = static_cast<size_t>(product(weights.shape));
    require(!weights.codes.empty() && bias.values.empty(), operation_,
            "weights or biases are float32, and C files compute with integers alone; quantize the "
            "network first (QATQuantizer, or `espalier quantize`)");
    require(weights.codes.size() == size &&
                (weights.scales.size() == 1 || weights.scales.size() == outputs) &&
                (bias.codes.empty() || bias.codes.size() == outputs),
            operation_, "weights, scales and biases are not as many as the weight's shape says");
    const size_t row = size / outputs;
    require(row < (1u << 22), operation_, "one output has more weights than C files can hold");
    const file::Grid& grid = *input_.grid;
    const int64_t largest = std::max(grid.highest - grid.zero_point, grid.zero_point - grid.lowest);
    for (size_t o = 0; o < outputs; ++o) {
      int64_t sum = bias.codes.empty() ? 0 : std::abs(int64_t{bias.codes[o]});
      for (size_t i = 0; i < row; ++i) sum += largest * std::abs(weights.codes[o * row + i]);
      require(sum <= std::numeric_limits<int32_t>::max(), operation_,
              "the sums of output " + std::to_string(o) + " can exceed 32 bits");
    }
  }

  const Operation& operation_;
  const Value& input_;
  const Extents x_, y_;
  const Network& network_;
};

}  // namespace

Extents extents(const Value& value) {
  const auto& shape = value.shape;
  switch (shape.size()) {
    case 1:
      return {1, 1, shape[0]};
    case 3:
      return {shape[0], shape[1], shape[2]};
    default:
      throw Error("c source", "a value has " + std::to_string(shape.size()) +
                                  " axes; pictures (3) and vectors (1) are known");
  }
}

file::Grid clamped(const file::Grid& grid, file::Clamp clamp) {
  file::Grid range = grid;
  if (clamp == file::Clamp::none) return range;
  range.lowest = std::max(grid.lowest, grid.zero_point);
  if (clamp == file::Clamp::relu6) {
    const double six = grid.zero_point + std::nearbyint(6.0 / double{grid.scale});
    if (six < grid.highest) range.highest = static_cast<int>(six);
  }
  return range;
}

runtime::Multiplier sum_multiplier(const Operation& operation, float weight_scale,
                                   const file::Grid& x, const file::Grid& y) {
  return usable(operation,
                runtime::multiplier(double{weight_scale} * double{x.scale} / double{y.scale}));
}

runtime::Multiplier conversion_multiplier(const Operation& operation, const file::Grid& x,
                                          const file::Grid& y) {
  return usable(operation, runtime::multiplier(double{x.scale} / double{y.scale}));
}

runtime::Multiplier mean_multiplier(const Operation& operation, const file::Grid& x,
                                    const file::Grid& y, int64_t n) {
  return usable(operation,
                runtime::multiplier(double{x.scale} / (double{y.scale} * static_cast<double>(n))));
}

runtime::MultiplierPair addition_multipliers(const Operation& operation, const file::Grid& a,
                                             const file::Grid& b, const file::Grid& y) {
  return usable(operation, runtime::multiplier_pair(double{a.scale} / double{y.scale},
                                                    double{b.scale} / double{y.scale}));
}

std::string name_of(const Network& network, const Operation& operation) {
  if (!operation.layer.empty()) return operation.layer;
  return "operation " + std::to_string(&operation - network.operations.data() + 1);
}

void require_integers(const Network& network) {
  if (network.values.empty() || network.operations.empty()) {
    throw Error("c source", "the network has no operation");
  }
  const std::string advice =
      " is float32, and C files compute with integers alone; quantize the network first "
      "(QATQuantizer, or `espalier quantize`)";
  if (!network.values[0].has_codes()) throw Error("c source", "the network's input" + advice);
  std::vector<bool> made(network.values.size(), false);
  const auto known = [&](int value) {
    return value >= 0 && static_cast<size_t>(value) < made.size();
  };
  made[0] = true;
  for (const Operation& operation : network.operations) {
    require(!operation.inputs.empty() && known(operation.output) &&
                !made[static_cast<size_t>(operation.output)],
            operation, "the operation has no input, or makes a value that is there already");
    for (const int input : operation.inputs) {
      require(known(input) && made[static_cast<size_t>(input)], operation,
              "the operation takes a value that is not there yet");
    }
    made[static_cast<size_t>(operation.output)] = true;
    if (!network.values[static_cast<size_t>(operation.output)].has_codes()) {
      throw Error("c source", "the result of " + name_of(network, operation) + advice);
    }
    std::visit(Check(network, operation), operation.what);
  }
  if (!made.back()) throw Error("c source", "no operation makes the network's result");
}

}  // namespace espalier::compress::c_code
