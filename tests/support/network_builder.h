#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "espalier/compress/file/reference.h"

namespace espalier::test {

namespace file = compress::file;

/// How weights are made.
struct WeightSpec {
  double sparsity = 0;
  int lowest = -127, highest = 127;
  int step = 1;              ///< weights are lowest + step·k
  bool per_channel = false;  ///< a scale for each output
  bool bias = true;
};

struct ConvolutionSpec {
  int64_t outputs = 4, kernel = 3;
  int64_t kernel_width = 0;  ///< 0: as the height
  int stride = 1, padding = 0, dilation = 1, groups = 1;
  file::Clamp clamp = file::Clamp::none;
  WeightSpec weight = {};
};

/// Integer networks made by hand, with weights from a seed. Each function adds one operation on
/// values named by their indices and returns the index of its result, whose grid is chosen such
/// that the codes of one picture use most of their range. Index 0 is the input.
class NetworkBuilder {
 public:
  NetworkBuilder(std::vector<int64_t> shape, unsigned seed,
                 file::Grid grid = {0.02f, -12, -128, 127})
      : random_(seed) {
    network.values.push_back({std::move(shape), grid});
  }

  int convolution(int x, ConvolutionSpec c) {
    const Shape in = shape(x);
    const int64_t width = c.kernel_width ? c.kernel_width : c.kernel, inputs = in[2] / c.groups;
    file::Convolution what;
    weights({c.outputs, c.kernel, width, inputs}, c.weight, what.weights, what.bias);
    what.stride = c.stride;
    what.padding = c.padding;
    what.dilation = c.dilation;
    what.groups = c.groups;
    what.clamp = c.clamp;
    const auto out = [&](int64_t size, int64_t kernel) {
      return (size + 2 * c.padding - (kernel - 1) * c.dilation - 1) / c.stride + 1;
    };
    return add({x}, {out(in[0], c.kernel), out(in[1], width), c.outputs}, {}, what);
  }
  int linear(int x, int64_t outputs, WeightSpec w = {}, file::Clamp clamp = file::Clamp::none) {
    file::Linear what;
    weights({outputs, size(x)}, w, what.weights, what.bias);
    what.clamp = clamp;
    return add({x}, {outputs}, {}, what);
  }
  int max_pool(int x, int kernel, int stride, int padding = 0) {
    return add({x}, pooled(x, kernel, stride, padding), of(x),
               file::MaxPool{kernel, stride, padding});
  }
  int average_pool(int x, int kernel, int stride, int padding = 0) {
    return add({x}, pooled(x, kernel, stride, padding), near(x),
               file::AveragePool{kernel, stride, padding});
  }
  int global_average_pool(int x) {
    return add({x}, {shape(x)[2]}, near(x, 0.4f), file::GlobalAveragePool{});
  }
  int add_up(int a, int b, file::Clamp clamp = file::Clamp::none) {
    return add({a, b}, value(a).shape, near(a, 1.3f), file::Add{clamp});
  }
  /// \param equal  the result has the grid of the first input
  int concat(const std::vector<int>& inputs, bool equal = false) {
    Shape s = shape(inputs[0]);
    s[2] = 0;
    for (const int input : inputs) s[2] += shape(input)[2];
    std::vector<int64_t> result = value(inputs[0]).shape;
    result.back() = s[2];
    return add(inputs, result, equal ? of(inputs[0]) : near(inputs[0], 1.1f), file::Concat{});
  }
  int flatten(int x) { return add({x}, {size(x)}, of(x), file::Flatten{}); }
  int reshape(int x, std::vector<int64_t> shape) {
    return add({x}, std::move(shape), of(x), file::Reshape{});
  }
  int convert(int x, float ratio = 1.7f) {
    return add({x}, value(x).shape, near(x, ratio), file::Convert{});
  }
  /// With a table that no function gives, so that every entry counts.
  int activation(int x) {
    const file::Grid result = near(x);
    file::Activation what{file::Function::gelu, 0.01f, {}};
    for (int code = 0; code < 256; ++code) {
      what.table.push_back(static_cast<int8_t>(integer(result.lowest, result.highest)));
    }
    return add({x}, value(x).shape, result, what);
  }

  int integer(int lowest, int highest) {  // std::uniform_int_distribution differs between libraries
    return lowest + static_cast<int>(random_() % static_cast<unsigned>(highest - lowest + 1));
  }
  using Shape = std::array<int64_t, 3>;
  Shape shape(int x) const {
    const auto& s = value(x).shape;
    return s.size() == 3 ? Shape{s[0], s[1], s[2]} : Shape{1, 1, s[0]};
  }
  int64_t size(int x) const { return shape(x)[0] * shape(x)[1] * shape(x)[2]; }
  const file::Value& value(int x) const { return network.values[static_cast<size_t>(x)]; }

  /// Limits the codes of results from here on, as a quantizer with fewer bits does.
  int lowest_code = -128, highest_code = 127;
  file::Network network;

 private:
  const file::Grid& of(int x) const { return *value(x).grid; }
  file::Grid near(int x, float ratio = 1) {
    file::Grid result = of(x);
    result.scale *= ratio * (1 + static_cast<float>(integer(0, 100)) / 400);
    result.lowest = lowest_code;
    result.highest = highest_code;
    result.zero_point = integer(lowest_code / 4, highest_code / 4);
    return result;
  }
  /// In which these numbers use most of the codes.
  file::Grid grid(const std::vector<double>& numbers) const {
    const double low = std::min(0.0, *std::min_element(numbers.begin(), numbers.end()));
    const double high = std::max(0.0, *std::max_element(numbers.begin(), numbers.end()));
    const double scale = std::max((high - low) / (highest_code - lowest_code), 1e-4);
    const int zero = lowest_code + static_cast<int>(std::nearbyint(-low / scale));
    return {static_cast<float>(scale), std::min(zero, highest_code), lowest_code, highest_code};
  }
  std::vector<int64_t> pooled(int x, int kernel, int stride, int padding) const {
    const Shape s = shape(x);
    return {(s[0] + 2 * padding - kernel) / stride + 1, (s[1] + 2 * padding - kernel) / stride + 1,
            s[2]};
  }

  void weights(std::vector<int64_t> shape, const WeightSpec& w, file::Weights& to,
               file::Bias& bias) {
    to.shape = std::move(shape);
    int64_t count = 1;
    for (const int64_t extent : to.shape) count *= extent;
    double squares = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int code = w.lowest + w.step * integer(0, (w.highest - w.lowest) / w.step);
      const bool pruned = integer(0, 9999) < w.sparsity * 10000;
      to.codes.push_back(static_cast<int16_t>(pruned ? 0 : code));
      squares += pruned ? 0.0 : double(code) * code;
    }
    const int64_t outputs = to.shape[0];
    for (int64_t o = 0; o < (w.per_channel ? outputs : 1); ++o) {
      to.scales.push_back(0.003f * (1 + static_cast<float>(integer(0, 100)) / 100));
    }
    // Codes of the input lie about 60 from its zero.
    const auto half = static_cast<int>(1 + 30 * std::sqrt(squares / static_cast<double>(outputs)));
    for (int64_t o = 0; w.bias && o < outputs; ++o) bias.codes.push_back(integer(-half, half));
  }

  /// \param of_result  the grid; none: from what the operation gives for a picture, as real numbers
  int add(std::vector<int> inputs, std::vector<int64_t> shape, std::optional<file::Grid> of_result,
          file::What what) {
    if (sample_.empty()) {
      std::vector<uint8_t> picture(static_cast<size_t>(size(0)));
      for (uint8_t& pixel : picture) pixel = static_cast<uint8_t>(integer(0, 255));
      sample_.push_back(file::Reference(network).of_pixels(picture));
    }
    const int output = static_cast<int>(network.values.size());
    network.values.push_back({std::move(shape), of_result});
    network.operations.push_back(
        {"layer" + std::to_string(output), std::move(inputs), output, std::move(what)});
    const file::Reference reference(network);
    const auto result = [&] { return reference.result_of(network.operations.back(), sample_); };
    if (!of_result) network.values.back().grid = grid(result().numbers);
    sample_.push_back(result());
    return output;
  }

  std::mt19937 random_;
  std::vector<file::Contents> sample_;  ///< every value for one picture
};

}  // namespace espalier::test
