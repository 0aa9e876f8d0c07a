#include "espalier/compress/export/onnx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numbers>
#include <numeric>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/export/onnx_model.h"

namespace espalier::compress {
namespace {

using Extents = std::vector<int64_t>;

int64_t elements(const Extents& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

/// `H×W×C` → `C×H×W`, and `O×kH×kW×I` → `O×I×kH×kW`: the last axis goes before the two in front of
/// it. Fewer axes stay.
Extents channels_first(const Extents& shape) {
  Extents moved = shape;
  if (shape.size() >= 3) std::rotate(moved.end() - 3, moved.end() - 1, moved.end());
  return moved;
}

template <class T>
std::vector<T> channels_first(const std::vector<T>& values, const Extents& shape) {
  if (shape.size() < 3) return values;
  const int64_t channels = shape.back();
  const int64_t pixels = shape[shape.size() - 2] * shape[shape.size() - 3];
  const int64_t outer = elements(shape) / (channels * pixels);
  std::vector<T> moved(values.size());
  T* to = moved.data();
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t p = 0; p < pixels; ++p) {
        *to++ = values[static_cast<size_t>((o * pixels + p) * channels + c)];
      }
    }
  }
  return moved;
}

/// Translates one network; made for one use.
class Translation {
 public:
  Translation(const file::Network& network, const OnnxOptions& options, OnnxModel& model)
      : network_(network), options_(options), model_(model), tensors_(network.values.size()) {}

  void run() {
    if (network_.operations.empty() || network_.values.size() < 2) {
      throw Error("onnx", "the network has no operations");
    }
    for (const file::Value& value : network_.values) {
      if ((value.shape.size() != 1 && value.shape.size() != 3) ||
          std::any_of(value.shape.begin(), value.shape.end(), [](int64_t e) { return e < 1; })) {
        throw Error("onnx", fmt::format("a value has the shape {}, which is neither H×W×C nor C",
                                        fmt::join(value.shape, "×")));
      }
    }
    const std::string input = model_.free_name("input");
    model_.free_name("logits");  // kept for the last value
    model_.input(input, channels_first(network_.values[0].shape));
    model_.output("logits", channels_first(network_.values.back().shape));
    begin(input);
    for (const file::Operation& operation : network_.operations) {
      try {
        translate(operation);
      } catch (const Error& error) {
        throw error.at(operation.layer.empty() ? fmt::format("operation {}", position_)
                                               : operation.layer);
      }
      ++position_;
    }
    if (tensors_.back().empty()) fail("no operation makes the last value");
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw Error("onnx", what); }
  static void require(bool holds, const std::string& otherwise) {
    if (!holds) fail(otherwise);
  }

  const file::Value& value(int index) const { return network_.values[static_cast<size_t>(index)]; }
  std::string& tensor(int index) { return tensors_[static_cast<size_t>(index)]; }
  bool is_last(int index) const { return static_cast<size_t>(index) + 1 == tensors_.size(); }

  /// From the graph's input to the network's first value.
  void begin(const std::string& input) {
    std::string x = input;
    const file::Value& first = network_.values[0];
    const auto apply = [&](const char* type, const char* name,
                           const std::vector<float>& per_channel) {
      if (per_channel.empty()) return;
      const size_t channels = static_cast<size_t>(first.shape.back());
      require(per_channel.size() == 1 || per_channel.size() == channels,
              fmt::format("the normalisation has {} values for {} channels", per_channel.size(),
                          channels));
      Extents shape = {static_cast<int64_t>(per_channel.size())};
      if (first.shape.size() == 3) shape.insert(shape.end(), {1, 1});
      const std::string by = model_.constant(std::string("input.") + name, shape, per_channel);
      const std::string y = model_.free_name(std::string("input.") + type);
      model_.node(type, {x, by}, y);
      x = y;
    };
    if (options_.normalise) {
      apply("Sub", "mean", network_.normalisation.mean);
      apply("Div", "deviation", network_.normalisation.deviation);
    }
    tensors_[0] = first.has_codes()
                      ? quantize(x, *first.grid, "input", model_.free_name("input.dequantized"))
                      : x;
  }

  void translate(const file::Operation& operation) {
    const int count = static_cast<int>(network_.values.size());
    const auto known = [&](int index) {
      return index >= 0 && index < count && !tensor(index).empty();
    };
    require(!operation.inputs.empty() &&
                std::all_of(operation.inputs.begin(), operation.inputs.end(), known),
            "an input is no result of an operation before");
    require(operation.output > 0 && operation.output < count && tensor(operation.output).empty(),
            "the output is not a value of its own");
    operation_ = &operation;
    base_ = operation.layer.empty() ? fmt::format("value{}", operation.output) : operation.layer;
    inputs_.clear();
    for (const int input : operation.inputs) inputs_.push_back(tensor(input));

    const std::optional<file::Grid>& grid = value(operation.output).grid;
    const std::string result =
        is_last(operation.output) ? std::string("logits") : model_.free_name(base_);
    if (grid) {
      // A conversion between codes is nothing but a second quantization.
      const std::string real = std::holds_alternative<file::Convert>(operation.what)
                                   ? inputs_[0]
                                   : compute(model_.free_name(base_ + ".real"));
      tensor(operation.output) = quantize(real, *grid, base_, result);
    } else {
      tensor(operation.output) = compute(result);
    }
    if (!is_last(operation.output)) {
      model_.between(result, channels_first(value(operation.output).shape));
    }
  }

  /// Adds the nodes of the current operation, on real numbers. \return  `result`
  std::string compute(const std::string& result) {
    std::visit([&](const auto& what) { add(what, result); }, operation_->what);
    return result;
  }

  /// x rounded to the grid: float32 → uint8 → float32. \return  `result`
  std::string quantize(const std::string& x, const file::Grid& grid, const std::string& base,
                       const std::string& result) {
    require(grid.scale > 0 && grid.lowest >= -128 && grid.lowest <= grid.zero_point &&
                grid.zero_point <= grid.highest && grid.highest <= 127,
            fmt::format("a grid of codes {} to {} with zero point {} and scale {}", grid.lowest,
                        grid.highest, grid.zero_point, grid.scale));
    std::string limited = x;
    if (grid.lowest > -128 || grid.highest < 127) {  // the type limits to its own range alone
      limited = model_.free_name(base + ".limited");
      clip(x, grid.scale * static_cast<float>(grid.lowest - grid.zero_point),
           grid.scale * static_cast<float>(grid.highest - grid.zero_point), limited);
    }
    const std::string scale = model_.constant(base + ".scale", grid.scale);
    const std::string zero =
        model_.constant(base + ".zero_point", static_cast<uint8_t>(grid.zero_point + 128));
    const std::string codes = model_.free_name(base + ".codes");
    model_.node("QuantizeLinear", {limited, scale, zero}, codes);
    model_.node("DequantizeLinear", {codes, scale, zero}, result);
    return result;
  }

  void clip(const std::string& x, float low, float high, const std::string& result) {
    model_.node("Clip",
                {x, model_.constant(result + ".low", low), model_.constant(result + ".high", high)},
                result);
  }

  /// Calls `make` with the name that the value before the clamp gets, and clamps.
  void clamped(file::Clamp clamp, const std::string& result,
               const std::function<void(const std::string&)>& make) {
    if (clamp == file::Clamp::none) {
      make(result);
      return;
    }
    const std::string before = model_.free_name(base_ + ".unclamped");
    make(before);
    if (clamp == file::Clamp::relu) {
      model_.node("Relu", {before}, result);
    } else {
      clip(before, 0, 6, result);
    }
  }

  void require_inputs(size_t count) const {
    require(inputs_.size() == count,
            fmt::format("there are {} inputs, not {}", inputs_.size(), count));
  }
  const Extents& input_shape() const { return value(operation_->inputs[0]).shape; }
  void require_picture() const {
    require_inputs(1);
    require(input_shape().size() == 3, "the input is no picture H×W×C");
  }

  // Weights and biases.

  /// Weights with float32 inputs, in whichever form they are stored, as numbers.
  static std::vector<float> numbers(const file::Weights& weights) {
    if (!weights.values.empty()) return weights.values;
    std::vector<float> values;
    if (!weights.codes.empty()) {
      const size_t row = weights.codes.size() / static_cast<size_t>(weights.shape[0]);
      values.reserve(weights.codes.size());
      for (size_t i = 0; i < weights.codes.size(); ++i) {
        values.push_back(weights.scale(static_cast<int64_t>(i / row)) *
                         static_cast<float>(weights.codes[i]));
      }
      return values;
    }
    values.reserve(weights.indices.size());
    for (const uint8_t index : weights.indices) {
      require(index < weights.codebook.size(),
              fmt::format("a weight has index {} in a codebook of {} values", index,
                          weights.codebook.size()));
      values.push_back(weights.codebook[index]);
    }
    return values;
  }

  /// A constant with codes behind DequantizeLinear. \param scales  one, or one per output channel
  template <class T>
  std::string dequantized(const std::string& name, const Extents& shape,
                          const std::vector<T>& codes, const std::vector<float>& scales,
                          T zero_point) {
    const Extents one_each = {static_cast<int64_t>(scales.size())};
    const Extents extents = scales.size() == 1 ? Extents{} : one_each;
    std::vector<std::string> inputs = {model_.constant(name + ".codes", shape, codes),
                                       model_.constant(name + ".scale", extents, scales)};
    if constexpr (!std::is_same_v<T, int32_t>) {  // ONNX wants none for 32 bits
      inputs.push_back(model_.constant(name + ".zero_point", extents,
                                       std::vector<T>(scales.size(), zero_point)));
    }
    const std::string result = model_.free_name(name);
    OnnxNode node = model_.node("DequantizeLinear", inputs, result);
    if (scales.size() > 1) node.integer("axis", 0);
    return result;
  }

  template <class T>
  std::string weight_codes(const file::Weights& weights, int zero_point) {
    std::vector<T> codes;
    codes.reserve(weights.codes.size());
    for (const int16_t code : weights.codes) codes.push_back(static_cast<T>(code + zero_point));
    return dequantized<T>(base_ + ".weight", channels_first(weights.shape),
                          channels_first(codes, weights.shape), weights.scales,
                          static_cast<T>(zero_point));
  }

  /// \return  the name of the tensor `O×I×kH×kW` or `O×I`
  std::string add_weights(const file::Weights& weights, bool for_codes) {
    const size_t stored = weights.values.size() + weights.codes.size() + weights.indices.size();
    require(!weights.shape.empty() && static_cast<int64_t>(stored) == elements(weights.shape),
            fmt::format("there are {} weights for the shape {}", stored,
                        fmt::join(weights.shape, "×")));
    if (!weights.codes.empty()) {
      require(weights.scales.size() == 1 ||
                  static_cast<int64_t>(weights.scales.size()) == weights.shape[0],
              fmt::format("the weights have {} scales for {} channels", weights.scales.size(),
                          weights.shape[0]));
    }
    if (!for_codes) {
      return model_.constant(base_ + ".weight", channels_first(weights.shape),
                             channels_first(numbers(weights), weights.shape));
    }
    require(!weights.codes.empty(), "the input has codes, but the weights have none");
    const auto [low, high] = std::minmax_element(weights.codes.begin(), weights.codes.end());
    if (*low >= -128 && *high <= 127) return weight_codes<int8_t>(weights, 0);
    // The codes of an affine grid 0…255, less its zero point.
    const int zero_point = std::max(0, -*low);
    require(
        *high + zero_point <= 255,
        fmt::format("the weights have codes from {} to {}, more than 8 bits hold", *low, *high));
    return weight_codes<uint8_t>(weights, zero_point);
  }

  /// \return  the name of the tensor `O`, or nothing
  std::optional<std::string> add_bias(const file::Bias& bias, const file::Weights& weights,
                                      const std::optional<file::Grid>& input_grid) {
    if (bias.values.empty() && bias.codes.empty()) return std::nullopt;
    const Extents shape = {weights.shape[0]};
    const size_t stored = bias.values.size() + bias.codes.size();
    require(static_cast<int64_t>(stored) == shape[0],
            fmt::format("there are {} biases for {} channels", stored, shape[0]));
    if (input_grid) {
      require(!bias.codes.empty(), "the input has codes, but the bias has none");
      std::vector<float> scales = weights.scales;
      for (float& scale : scales) scale *= input_grid->scale;
      return dequantized<int32_t>(base_ + ".bias", shape, bias.codes, scales, 0);
    }
    std::vector<float> values = bias.values;
    for (const int32_t code : bias.codes) values.push_back(bias.scale * static_cast<float>(code));
    return model_.constant(base_ + ".bias", shape, values);
  }

  /// The inputs of a Conv or Gemm: x, weights and, where there are some, biases.
  std::vector<std::string> with_parameters(const file::Weights& weights, const file::Bias& bias) {
    const std::optional<file::Grid>& grid = value(operation_->inputs[0]).grid;
    std::vector<std::string> all = {inputs_[0], add_weights(weights, grid.has_value())};
    if (const std::optional<std::string> b = add_bias(bias, weights, grid)) all.push_back(*b);
    return all;
  }

  // One function for each operation.

  void add(const file::Convolution& conv, const std::string& result) {
    require_picture();
    const Extents& shape = conv.weights.shape;
    require(shape.size() == 4 && conv.groups > 0 && shape[3] * conv.groups == input_shape()[2],
            fmt::format("weights of shape {} in {} groups do not fit {} channels",
                        fmt::join(shape, "×"), conv.groups, input_shape()[2]));
    const std::vector<std::string> inputs = with_parameters(conv.weights, conv.bias);
    clamped(conv.clamp, result, [&](const std::string& y) {
      model_.node("Conv", inputs, y)
          .integers("kernel_shape", {shape[1], shape[2]})
          .integers("strides", {conv.stride, conv.stride})
          .integers("pads", {conv.padding, conv.padding, conv.padding, conv.padding})
          .integers("dilations", {conv.dilation, conv.dilation})
          .integer("group", conv.groups);
    });
  }

  void add(const file::Linear& linear, const std::string& result) {
    require_inputs(1);
    const Extents& shape = linear.weights.shape;
    require(shape.size() == 2 && input_shape() == Extents{shape[1]},
            fmt::format("weights of shape {} do not fit an input of {}", fmt::join(shape, "×"),
                        fmt::join(input_shape(), "×")));
    const std::vector<std::string> inputs = with_parameters(linear.weights, linear.bias);
    clamped(linear.clamp, result,
            [&](const std::string& y) { model_.node("Gemm", inputs, y).integer("transB", 1); });
  }

  OnnxNode window(const char* type, int kernel, int stride, int padding,
                  const std::string& result) {
    require_picture();
    return model_.node(type, inputs_, result)
        .integers("kernel_shape", {kernel, kernel})
        .integers("strides", {stride, stride})
        .integers("pads", {padding, padding, padding, padding});
  }
  void add(const file::MaxPool& pool, const std::string& result) {
    window("MaxPool", pool.kernel, pool.stride, pool.padding, result);
  }
  void add(const file::AveragePool& pool, const std::string& result) {
    window("AveragePool", pool.kernel, pool.stride, pool.padding, result)
        .integer("count_include_pad", 1);
  }
  void add(const file::GlobalAveragePool&, const std::string& result) {
    require_picture();
    const std::string pooled = model_.free_name(base_ + ".pooled");
    model_.node("GlobalAveragePool", inputs_, pooled);
    model_.node("Flatten", {pooled}, result).integer("axis", 1);
  }

  void add(const file::Add& sum, const std::string& result) {
    require_inputs(2);
    clamped(sum.clamp, result, [&](const std::string& y) { model_.node("Add", inputs_, y); });
  }
  void add(const file::Concat&, const std::string& result) {
    model_.node("Concat", inputs_, result).integer("axis", 1);
  }
  void add(const file::Flatten&, const std::string& result) {
    require_inputs(1);
    model_.node("Flatten", inputs_, result).integer("axis", 1);
  }

  /// Our order of elements has the channel innermost.
  void add(const file::Reshape&, const std::string& result) {
    require_inputs(1);
    const Extents& from = input_shape();
    const Extents& to = value(operation_->output).shape;
    require(elements(from) == elements(to), "a reshape changes the number of elements");
    std::string x = inputs_[0];
    if (from.size() == 3) {
      const std::string y = model_.free_name(base_ + ".channels_last");
      model_.node("Transpose", {x}, y).integers("perm", {0, 2, 3, 1});
      x = y;
    }
    Extents shape = {0};  // as many samples as the input has
    shape.insert(shape.end(), to.begin(), to.end());
    const std::string y = to.size() == 3 ? model_.free_name(base_ + ".reshaped") : result;
    const Extents axes = {static_cast<int64_t>(shape.size())};
    model_.node("Reshape", {x, model_.constant(base_ + ".shape", axes, shape)}, y);
    if (to.size() == 3) model_.node("Transpose", {y}, result).integers("perm", {0, 3, 1, 2});
  }

  void add(const file::Activation& activation, const std::string& result) {
    require_inputs(1);
    switch (activation.function) {
      case file::Function::relu:
        model_.node("Relu", inputs_, result);
        break;
      case file::Function::relu6:
        clip(inputs_[0], 0, 6, result);
        break;
      case file::Function::leaky_relu:
        model_.node("LeakyRelu", inputs_, result).real("alpha", activation.slope);
        break;
      case file::Function::sigmoid:
        model_.node("Sigmoid", inputs_, result);
        break;
      case file::Function::tanh:
        model_.node("Tanh", inputs_, result);
        break;
      case file::Function::gelu:
        gelu(result);
        break;
      case file::Function::hardswish:
        model_.node("HardSwish", inputs_, result);
        break;
    }
  }
  /// x·(1 + erf(x/√2))·½, which opset 17 has no name for; in the order that runtimes recognise.
  void gelu(const std::string& result) {
    const auto step = [&](const char* type, const char* name, std::vector<std::string> inputs) {
      const std::string y = model_.free_name(base_ + name);
      model_.node(type, inputs, y);
      return y;
    };
    const std::string& x = inputs_[0];
    const std::string root = model_.constant(base_ + ".root2", std::numbers::sqrt2_v<float>);
    const std::string one = model_.constant(base_ + ".one", 1.0f);
    const std::string half = model_.constant(base_ + ".half", 0.5f);
    const std::string error = step("Erf", ".erf", {step("Div", ".over_root2", {x, root})});
    const std::string doubled = step("Mul", ".doubled", {x, step("Add", ".plus1", {error, one})});
    model_.node("Mul", {doubled, half}, result);
  }

  /// To float32: the numbers behind the codes are there already.
  void add(const file::Convert&, const std::string& result) {
    require_inputs(1);
    model_.node("Identity", inputs_, result);
  }

  const file::Network& network_;
  const OnnxOptions& options_;
  OnnxModel& model_;
  std::vector<std::string> tensors_;  ///< of each value the float32 tensor; empty: not made yet

  // The operation that is being translated.
  int position_ = 0;
  const file::Operation* operation_ = nullptr;
  std::string base_;  ///< what the names of its tensors begin with
  std::vector<std::string> inputs_;
};

}  // namespace

void export_onnx(const file::Network& network, const std::string& path,
                 const OnnxOptions& options) {
  OnnxModel model;
  Translation(network, options, model).run();
  if (!options.normalise) {
    const file::Normalisation& done = network.normalisation;
    if (!done.mean.empty()) model.metadata("mean", fmt::format("{}", fmt::join(done.mean, " ")));
    if (!done.deviation.empty()) {
      model.metadata("deviation", fmt::format("{}", fmt::join(done.deviation, " ")));
    }
  }
  write_file_atomically(path, model.bytes());
}

}  // namespace espalier::compress
