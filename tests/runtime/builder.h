#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "espalier/compress/file/network.h"
#include "espalier/compress/file/write.h"

/// Small networks with random weights.
namespace build {

namespace file = espalier::compress::file;

enum class Form { values, codes, channel_codes, codebook };

struct Options {
  bool codes = false;        ///< integer arithmetic
  Form form = Form::values;  ///< of weights; codes with integer arithmetic
  int bits = 8;              ///< of codes
  double density = 1;        ///< share of kept weights
  int block = 1;             ///< input channels that are pruned together
  unsigned seed = 1;
};

class Builder {
 public:
  Builder(std::vector<int64_t> input, const Options& options)
      : options_(options), random_(options.seed) {
    network.values.push_back({std::move(input), {}});
    if (options.codes) network.values[0].grid = file::Grid{0.017f, -4, -128, 127};
  }

  /// The result of each is the current value; returns its index.
  int conv(int64_t outputs, int64_t kernel, file::Convolution c = {}) {
    const auto shape = network.values[static_cast<size_t>(current)].shape;
    const int64_t inputs = shape[2] / c.groups;
    c.weights = weights({outputs, kernel, kernel, inputs});
    c.bias = bias(outputs);
    const auto extent = [&](int64_t size) {
      return (size + 2 * c.padding - (kernel - 1) * c.dilation - 1) / c.stride + 1;
    };
    return add(c, {extent(shape[0]), extent(shape[1]), outputs}, layer("conv"));
  }
  int linear(int64_t outputs, file::Clamp clamp = file::Clamp::none) {
    file::Linear l;
    l.weights = weights({outputs, network.values[static_cast<size_t>(current)].shape[0]});
    l.bias = bias(outputs);
    l.clamp = clamp;
    return add(l, {outputs}, layer("fc"));
  }
  template <typename Pool>
  int pool(const Pool& p) {
    const auto shape = network.values[static_cast<size_t>(current)].shape;
    const auto extent = [&](int64_t size) {
      return (size + 2 * p.padding - p.kernel) / p.stride + 1;
    };
    const bool keeps = std::is_same_v<Pool, file::MaxPool>;
    return add(p, {extent(shape[0]), extent(shape[1]), shape[2]}, "", keeps);
  }
  int global_average() {
    return add(file::GlobalAveragePool{}, {network.values[static_cast<size_t>(current)].shape[2]});
  }
  int flatten() {
    int64_t size = 1;
    for (const int64_t e : network.values[static_cast<size_t>(current)].shape) size *= e;
    return add(file::Flatten{}, {size}, "", true);
  }
  int reshape(std::vector<int64_t> shape) { return add(file::Reshape{}, shape, "", true); }
  int sum(int a, int b, file::Clamp clamp = file::Clamp::none) {
    const auto shape = network.values[static_cast<size_t>(a)].shape;
    add(file::Add{clamp}, shape);
    network.operations.back().inputs = {a, b};
    return current;
  }
  int concat(std::vector<int> parts) {
    auto shape = network.values[static_cast<size_t>(parts[0])].shape;
    shape.back() = 0;
    for (const int part : parts)
      shape.back() += network.values[static_cast<size_t>(part)].shape.back();
    add(file::Concat{}, shape);
    network.operations.back().inputs = parts;
    return current;
  }
  int activation(file::Function function) {
    const int from = current;
    const auto shape = network.values[static_cast<size_t>(from)].shape;
    add(file::Activation{function, 0.1f, {}}, shape);
    if (options_.codes) {
      std::get<file::Activation>(network.operations.back().what).table =
          file::activation_table(function, 0.1f, *network.values[static_cast<size_t>(from)].grid,
                                 *network.values.back().grid);
    }
    return current;
  }
  int convert(std::optional<file::Grid> grid) {
    const auto shape = network.values[static_cast<size_t>(current)].shape;
    add(file::Convert{}, shape);
    network.values.back().grid = grid;
    return current;
  }

  std::vector<double> input() {
    int64_t size = 1;
    for (const int64_t e : network.values[0].shape) size *= e;
    std::vector<double> result;
    for (int64_t i = 0; i < size; ++i)
      result.push_back(static_cast<float>(static_cast<int>(random_() % 256)) / 255.0f);
    return result;
  }

  file::Weights weights(std::vector<int64_t> shape) {
    file::Weights w;
    w.shape = shape;
    int64_t size = 1;
    for (const int64_t e : shape) size *= e;
    const double fan = static_cast<double>(size / shape[0]) * options_.density;
    std::normal_distribution<float> normal(0,
                                           static_cast<float>(1 / std::sqrt(std::max(fan, 1.0))));
    const Form form =
        options_.codes && options_.form != Form::channel_codes ? Form::codes : options_.form;
    const int largest = options_.bits == 9 ? 255 : (1 << (options_.bits - 1)) - 1;
    if (form == Form::codebook) {
      w.codebook = {0.0f};
      for (int i = 0; i < 7; ++i) w.codebook.push_back(normal(random_));
    }
    if (form == Form::codes)
      w.scales = {static_cast<float>(2.5 / std::sqrt(std::max(fan, 1.0)) / largest)};
    if (form == Form::channel_codes) {
      for (int64_t o = 0; o < shape[0]; ++o) {
        w.scales.push_back(static_cast<float>((1.5 + static_cast<double>(random_() % 100) / 50) /
                                              std::sqrt(std::max(fan, 1.0)) / largest));
      }
    }
    bool kept = true;
    for (int64_t i = 0; i < size; ++i) {
      if (i % shape.back() % options_.block == 0)
        kept = static_cast<double>(random_() % 10000) < options_.density * 10000;
      const float value = kept ? normal(random_) : 0;
      switch (form) {
        case Form::values:
          w.values.push_back(value);
          break;
        case Form::codebook:
          w.indices.push_back(static_cast<uint8_t>(kept ? 1 + random_() % 7 : 0));
          break;
        default: {
          const float scale = w.scale(i / (size / shape[0]));
          w.codes.push_back(static_cast<int16_t>(std::clamp(std::nearbyint(value / scale),
                                                            -1.0f * static_cast<float>(largest),
                                                            static_cast<float>(largest))));
        }
      }
    }
    return w;
  }
  file::Bias bias(int64_t outputs) {
    file::Bias b;
    for (int64_t o = 0; o < outputs; ++o) {
      const int value = static_cast<int>(random_() % 101) - 50;
      if (options_.codes) {
        b.codes.push_back(value * 8);
      } else if (options_.form == Form::codebook) {
        b.codes.push_back(value);
        b.scale = 0.004f;
      } else {
        b.values.push_back(static_cast<float>(value) * 0.004f);
      }
    }
    return b;
  }

  file::Network network;
  int current = 0;

 private:
  std::string layer(const char* kind) { return kind + std::to_string(++layers_); }
  int add(file::What what, std::vector<int64_t> shape, std::string layer = "", bool keeps = false) {
    const auto& from = network.values[static_cast<size_t>(current)];
    file::Value value{std::move(shape), {}};
    if (keeps) {
      value.grid = from.grid;
    } else if (options_.codes) {
      const int zero = static_cast<int>(random_() % 60) - 30;
      value.grid =
          file::Grid{0.02f + 0.0003f * static_cast<float>(random_() % 40), zero, -128, 127};
    }
    network.values.push_back(value);
    const int index = static_cast<int>(network.values.size()) - 1;
    network.operations.push_back({std::move(layer), {current}, index, std::move(what)});
    return current = index;
  }

  Options options_;
  std::mt19937 random_;
  int layers_ = 0;
};

/// What of LeNet-5 comes before its linear layers.
inline void add_lenet5_convolutions(Builder& b) {
  b.network.normalisation = {{0.1307f}, {0.3081f}};
  b.conv(20, 5, {.clamp = file::Clamp::relu});
  b.pool(file::MaxPool{});
  b.conv(50, 5, {.clamp = file::Clamp::relu});
  b.pool(file::MaxPool{});
  b.flatten();
}

}  // namespace build
