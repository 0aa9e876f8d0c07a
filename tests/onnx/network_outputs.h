#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "espalier/autograd/ops.h"
#include "espalier/compress/file/network.h"

/// What an exported network computes, by the operations that training computes with: codes are
/// numbers rounded to their grid, so sums are rounded once more than an integer engine's.
namespace espalier::test {

namespace file = compress::file;

inline Tensor rounded(const Tensor& x, const file::Grid& grid) {
  return fake_quantize(x, std::array{QuantizationGrid{.scale = grid.scale,
                                                      .zero_point = grid.zero_point,
                                                      .lowest = grid.lowest,
                                                      .highest = grid.highest}});
}

inline Tensor numbers(const file::Weights& weights) {
  const int64_t row = Shape(weights.shape).elements() / weights.shape[0];
  return Tensor::generate(Shape(weights.shape), [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    if (!weights.values.empty()) return weights.values[at];
    if (!weights.indices.empty()) return weights.codebook[weights.indices[at]];
    return weights.scale(i / row) * static_cast<float>(weights.codes[at]);
  });
}

inline Tensor numbers(const file::Bias& bias, const file::Weights& weights,
                      const file::Value& input) {
  if (bias.values.empty() && bias.codes.empty()) return {};
  return Tensor::generate({weights.shape[0]}, [&](int64_t i) {
    const size_t at = static_cast<size_t>(i);
    if (!bias.values.empty()) return bias.values[at];
    const float scale = input.has_codes() ? weights.scale(i) * input.grid->scale : bias.scale;
    return scale * static_cast<float>(bias.codes[at]);
  });
}

/// Every value of a network, from its input `N×H×W×C` or `N×C`, normalised.
class NetworkValues {
 public:
  NetworkValues(const file::Network& network, const Tensor& input)
      : network_(network), values_(network.values.size()) {
    values_[0] = network.values[0].has_codes() ? rounded(input, *network.values[0].grid) : input;
    for (const file::Operation& operation : network.operations) {
      operation_ = &operation;
      const Tensor y = std::visit([&](const auto& what) { return result(what); }, operation.what);
      const std::optional<file::Grid>& grid = network.values[index(operation.output)].grid;
      values_[index(operation.output)] = grid ? rounded(y, *grid) : y;
    }
  }

  const Tensor& operator[](size_t value) const { return values_[value]; }
  const Tensor& output() const { return values_.back(); }

 private:
  static size_t index(int value) { return static_cast<size_t>(value); }
  const Tensor& x(size_t which = 0) const { return values_[index(operation_->inputs[which])]; }
  Tensor bias(const file::Bias& bias, const file::Weights& weights) const {
    return numbers(bias, weights, network_.values[index(operation_->inputs[0])]);
  }
  static Tensor clamped(file::Clamp clamp, const Tensor& y) {
    if (clamp == file::Clamp::none) return y;
    return clamp == file::Clamp::relu ? relu(y) : relu6(y);
  }

  Tensor result(const file::Convolution& c) const {
    return clamped(c.clamp, conv2d(x(), numbers(c.weights), bias(c.bias, c.weights),
                                   {.stride = c.stride,
                                    .padding = c.padding,
                                    .dilation = c.dilation,
                                    .groups = c.groups}));
  }
  Tensor result(const file::Linear& l) const {
    return clamped(l.clamp, linear(x(), numbers(l.weights), bias(l.bias, l.weights)));
  }
  Tensor result(const file::MaxPool& p) const {
    return max_pool2d(x(), {.kernel = p.kernel, .stride = p.stride, .padding = p.padding});
  }
  Tensor result(const file::AveragePool& p) const {
    return avg_pool2d(x(), {.kernel = p.kernel, .stride = p.stride, .padding = p.padding});
  }
  Tensor result(const file::GlobalAveragePool&) const { return global_avg_pool2d(x()); }
  Tensor result(const file::Add& sum) const { return clamped(sum.clamp, add(x(0), x(1))); }
  Tensor result(const file::Concat&) const {
    std::vector<Tensor> parts;
    for (size_t i = 0; i < operation_->inputs.size(); ++i) parts.push_back(x(i));
    return concat(parts);
  }
  Tensor result(const file::Flatten&) const { return flatten(x()); }
  Tensor result(const file::Reshape&) const {
    std::vector<int64_t> extents = network_.values[index(operation_->output)].shape;
    extents.insert(extents.begin(), x().shape()[0]);
    return reshape(x(), Shape(extents));
  }
  Tensor result(const file::Activation& a) const {
    switch (a.function) {
      case file::Function::relu:
        return relu(x());
      case file::Function::relu6:
        return relu6(x());
      case file::Function::leaky_relu:
        return leaky_relu(x(), a.slope);
      case file::Function::sigmoid:
        return sigmoid(x());
      case file::Function::tanh:
        return tanh(x());
      case file::Function::gelu:
        return gelu(x());
      case file::Function::hardswish:
        return hardswish(x());
    }
    return {};
  }
  Tensor result(const file::Convert&) const { return x(); }

  const file::Network& network_;
  std::vector<Tensor> values_;
  const file::Operation* operation_ = nullptr;
};

}  // namespace espalier::test
