#include "onnx/sample_networks.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "espalier/autograd/core/random.h"
#include "onnx/network_outputs.h"
#include "support/values.h"

namespace espalier::test {
namespace {

enum class Form { values, codes, codebook };

struct ConvSpec {
  int64_t out = 1;
  int kernel = 3, stride = 1, padding = 0, dilation = 1, groups = 1;
  file::Clamp clamp = file::Clamp::none;
  Form form = Form::values;
  bool bias = true;
};

/// A network that grows operation by operation. Each call takes and gives numbers of values.
class Growing {
 public:
  explicit Growing(std::vector<int64_t> input) {
    network_.values.push_back({std::move(input), {}});
  }

  int conv(int x, const std::string& layer, const ConvSpec& spec) {
    const std::vector<int64_t>& shape = shape_of(x);
    file::Convolution conv;
    conv.stride = spec.stride;
    conv.padding = spec.padding;
    conv.dilation = spec.dilation;
    conv.groups = spec.groups;
    conv.clamp = spec.clamp;
    conv.weights = weights({spec.out, spec.kernel, spec.kernel, shape[2] / spec.groups}, spec.form);
    if (spec.bias) conv.bias.values = some(spec.out, 0.2);
    const int64_t reach = spec.dilation * (spec.kernel - 1) + 1;
    return add(layer, {x}, windows(shape, reach, spec.stride, spec.padding, spec.out),
               std::move(conv));
  }
  int linear(int x, const std::string& layer, int64_t out, file::Clamp clamp = file::Clamp::none,
             Form form = Form::values) {
    file::Linear linear;
    linear.clamp = clamp;
    linear.weights = weights({out, shape_of(x)[0]}, form);
    linear.bias.values = some(out, 0.2);
    return add(layer, {x}, {out}, std::move(linear));
  }
  int max_pool(int x, const file::MaxPool& pool) { return add("", {x}, pooled(x, pool), pool); }
  int average_pool(int x, const file::AveragePool& pool) {
    return add("", {x}, pooled(x, pool), pool);
  }
  int global_pool(int x) { return add("pool", {x}, {shape_of(x)[2]}, file::GlobalAveragePool()); }
  int sum(int a, int b, const std::string& layer, file::Clamp clamp) {
    return add(layer, {a, b}, shape_of(a), file::Add{clamp});
  }
  int concat(const std::vector<int>& parts) {
    std::vector<int64_t> shape = shape_of(parts[0]);
    for (size_t i = 1; i < parts.size(); ++i) shape.back() += shape_of(parts[i]).back();
    return add("joined", parts, shape, file::Concat());
  }
  int flatten(int x) {
    return add("flatten", {x}, {Shape(shape_of(x)).elements()}, file::Flatten());
  }
  int reshape(int x, std::vector<int64_t> shape) {
    return add("reshape", {x}, std::move(shape), file::Reshape());
  }
  int apply(int x, file::Function function) {
    return add("activation", {x}, shape_of(x), file::Activation{function, 0.1f, {}});
  }
  file::Network take() { return std::move(network_); }

 private:
  int add(const std::string& layer, std::vector<int> inputs, std::vector<int64_t> shape,
          file::What what) {
    const int output = static_cast<int>(network_.values.size());
    network_.values.push_back({std::move(shape), {}});
    network_.operations.push_back({layer, std::move(inputs), output, std::move(what)});
    return output;
  }
  std::vector<int64_t> shape_of(int value) const {
    return network_.values[static_cast<size_t>(value)].shape;
  }
  static std::vector<int64_t> windows(const std::vector<int64_t>& shape, int64_t reach,
                                      int64_t stride, int64_t padding, int64_t channels) {
    return {(shape[0] + 2 * padding - reach) / stride + 1,
            (shape[1] + 2 * padding - reach) / stride + 1, channels};
  }
  template <class Pool>
  std::vector<int64_t> pooled(int x, const Pool& pool) const {
    return windows(shape_of(x), pool.kernel, pool.stride, pool.padding, shape_of(x)[2]);
  }

  std::vector<float> some(int64_t count, double size) {
    const Tensor x = normal({count}, ++seed_);
    std::vector<float> values(x.values().begin(), x.values().end());
    for (float& value : values) value *= static_cast<float>(size);
    return values;
  }
  /// Of a size that neither grows nor vanishes from layer to layer, a third of them 0.
  file::Weights weights(std::vector<int64_t> shape, Form form) {
    const int64_t count = Shape(shape).elements(), row = count / shape[0];
    const double size = std::sqrt(3.0 / static_cast<double>(row));
    std::vector<float> values = some(count, size);
    for (size_t i = 0; i < values.size(); i += 3) values[i] = 0;
    file::Weights weights;
    weights.shape = std::move(shape);
    if (form == Form::values) weights.values = std::move(values);
    if (form == Form::codes) {
      for (int64_t o = 0; o < weights.shape[0]; ++o) {
        weights.scales.push_back(
            static_cast<float>(size * (0.02 + 0.01 * static_cast<double>(o % 3))));
      }
      for (size_t i = 0; i < values.size(); ++i) {
        const float scale = weights.scale(static_cast<int64_t>(i) / row);
        weights.codes.push_back(
            static_cast<int16_t>(std::clamp(std::nearbyint(values[i] / scale), -127.0f, 127.0f)));
      }
    }
    if (form == Form::codebook) {
      for (int i = -7; i <= 7; ++i) weights.codebook.push_back(static_cast<float>(size * i / 3));
      for (const float value : values) {
        const double index = std::nearbyint(double{value} / size * 3) + 7;
        weights.indices.push_back(static_cast<uint8_t>(std::clamp(index, 0.0, 14.0)));
      }
    }
    return weights;
  }

  file::Network network_;
  uint64_t seed_ = 0;
};

constexpr file::Clamp relu_behind = file::Clamp::relu;
constexpr file::Clamp relu6_behind = file::Clamp::relu6;

file::Network lenet300() {
  Growing net({28, 28, 1});
  int x = net.flatten(0);
  x = net.linear(x, "fc1", 300, relu_behind);
  x = net.linear(x, "fc2", 100, relu_behind);
  net.linear(x, "fc3", 10);
  return net.take();
}

file::Network lenet5(Form form) {
  Growing net({28, 28, 1});
  int x = net.conv(0, "conv1", {.out = 20, .kernel = 5, .clamp = relu_behind, .form = form});
  x = net.max_pool(x, {});
  x = net.conv(x, "conv2", {.out = 50, .kernel = 5, .clamp = relu_behind, .form = form});
  x = net.flatten(net.max_pool(x, {}));
  x = net.linear(x, "fc1", 500, relu_behind, form);
  net.linear(x, "fc2", 10, file::Clamp::none, form);
  return net.take();
}

file::Network vgg() {
  Growing net({32, 32, 3});
  int x = 0;
  for (const int64_t width : {32, 64}) {
    const std::string name = "block" + std::to_string(width);
    const ConvSpec spec = {.out = width, .padding = 1, .clamp = relu_behind};
    x = net.conv(net.conv(x, name + ".conv1", spec), name + ".conv2", spec);
    x = net.max_pool(x, {});
  }
  x = net.linear(net.flatten(x), "fc1", 128, relu_behind);
  net.linear(x, "fc2", 10);
  return net.take();
}

/// Residual blocks with strides, shortcuts, depthwise, grouped and dilated convolutions.
file::Network residual(Form form) {
  Growing net({32, 32, 3});
  int x = net.conv(0, "conv", {.out = 16, .padding = 1, .clamp = relu_behind, .form = form});
  for (const int64_t width : {16, 32}) {
    const std::string name = "stage" + std::to_string(width);
    const int stride = width == 16 ? 1 : 2;
    int y = net.conv(
        x, name + ".conv1",
        {.out = width, .stride = stride, .padding = 1, .clamp = relu_behind, .form = form});
    y = net.conv(y, name + ".conv2", {.out = width, .padding = 1, .form = form, .bias = false});
    if (width != 16)
      x = net.conv(x, name + ".shortcut", {.out = width, .kernel = 1, .stride = 2, .form = form});
    x = net.sum(x, y, name, relu_behind);
  }
  x = net.conv(x, "depthwise",
               {.out = 32, .padding = 1, .groups = 32, .clamp = relu6_behind, .form = form});
  x = net.conv(x, "grouped",
               {.out = 24, .kernel = 1, .groups = 4, .clamp = relu_behind, .form = form});
  x = net.conv(x, "dilated",
               {.out = 24, .padding = 2, .dilation = 2, .clamp = relu_behind, .form = form});
  net.linear(net.global_pool(x), "fc", 10, file::Clamp::none, form);
  return net.take();
}

/// The functions, pools with padding and overlap, concatenation, and pictures of unequal sides.
file::Network everything_else(Form form) {
  Growing net({20, 14, 2});
  std::vector<int> parts;
  for (const file::Function function :
       {file::Function::relu, file::Function::relu6, file::Function::leaky_relu,
        file::Function::sigmoid, file::Function::tanh, file::Function::gelu,
        file::Function::hardswish}) {
    const std::string name = "branch" + std::to_string(parts.size());
    parts.push_back(net.apply(net.conv(0, name, {.out = 3, .padding = 1, .form = form}), function));
  }
  int x = net.concat(parts);
  x = net.max_pool(x, {.kernel = 3, .stride = 2, .padding = 1});
  x = net.average_pool(x, {.kernel = 3, .stride = 1, .padding = 1});
  x = net.reshape(x, {5, 14, 21});
  x = net.conv(x, "conv", {.out = 6, .kernel = 2, .form = form});
  x = net.reshape(x, {4 * 13 * 6});
  x = net.linear(x, "fc1", 24, file::Clamp::relu6, form);
  x = net.reshape(x, {2, 3, 4});
  net.linear(net.flatten(x), "fc2", 5, file::Clamp::none, form);
  return net.take();
}

}  // namespace

std::vector<SampleNetwork> sample_networks() {
  return {{"lenet300", lenet300()},
          {"lenet5", lenet5(Form::values)},
          {"lenet5_codes", lenet5(Form::codes)},
          {"lenet5_codebook", lenet5(Form::codebook)},
          {"vgg", vgg()},
          {"residual", residual(Form::values)},
          {"residual_codes", residual(Form::codes)},
          {"everything_else", everything_else(Form::values)},
          {"everything_else_codes", everything_else(Form::codes)}};
}

file::Network with_codes(file::Network network, int samples) {
  std::vector<int64_t> extents = network.values[0].shape;
  extents.insert(extents.begin(), samples);
  const NetworkValues values(network, normal(Shape(extents), 99));
  for (size_t i = 0; i + 1 < network.values.size(); ++i) {
    const ValueRange range = value_range(values[i]);
    const float low = std::min(range.low, 0.0f), high = std::max(range.high, 0.0f);
    const float scale = (high - low) / 255;
    network.values[i].grid = file::Grid{
        .scale = scale, .zero_point = static_cast<int>(std::nearbyint(-low / scale)) - 128};
  }
  for (file::Operation& operation : network.operations) {
    file::Value& output = network.values[static_cast<size_t>(operation.output)];
    const file::Grid& input = *network.values[static_cast<size_t>(operation.inputs[0])].grid;
    if (std::holds_alternative<file::MaxPool>(operation.what) ||
        std::holds_alternative<file::Flatten>(operation.what) ||
        std::holds_alternative<file::Reshape>(operation.what)) {
      output.grid = input;
    }
    const auto to_codes = [&](const file::Weights& weights, file::Bias& bias) {
      for (size_t o = 0; o < bias.values.size(); ++o) {
        const float step = weights.scale(static_cast<int64_t>(o)) * input.scale;
        bias.codes.push_back(static_cast<int32_t>(std::nearbyint(bias.values[o] / step)));
      }
      bias.values.clear();
    };
    if (auto* conv = std::get_if<file::Convolution>(&operation.what))
      to_codes(conv->weights, conv->bias);
    if (auto* linear = std::get_if<file::Linear>(&operation.what))
      to_codes(linear->weights, linear->bias);
  }
  return network;
}

}  // namespace espalier::test
