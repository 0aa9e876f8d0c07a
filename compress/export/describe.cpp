#include "espalier/compress/export/describe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/stored_weights.h"
#include "espalier/compress/file/write.h"
#include "espalier/compress/structure/batch_norm_folding.h"
#include "espalier/compress/structure/graph.h"

namespace espalier::compress {
namespace {

constexpr const char* pass = "export";

std::vector<int64_t> without_batch(const Shape& shape) {
  return {shape.begin() + 1, shape.end()};
}

/// A training grid with its codes moved into a byte.
file::Grid stored_grid(const QuantizationGrid& grid, const NetworkOperation* producer) {
  const int shift = grid.highest > 127 ? 128 : 0;
  const file::Grid stored{grid.scale, grid.zero_point - shift, grid.lowest - shift,
                          grid.highest - shift};
  if (stored.lowest < -128 || stored.highest > 127) {
    throw Error(pass, "the result of " + (producer ? producer->describe() : "the input") +
                          " has codes from " + std::to_string(grid.lowest) + " to " +
                          std::to_string(grid.highest) +
                          "; a file holds 8 bits at most: use activation_bits: 8");
  }
  return stored;
}

bool equal(const file::Grid& a, const file::Grid& b) {
  return a.scale == b.scale && a.zero_point == b.zero_point && a.lowest == b.lowest &&
         a.highest == b.highest;
}

/// ReLU or ReLU6 as a clamp, if the operation is one.
std::optional<file::Clamp> clamp_of(const NetworkOperation& operation) {
  if (operation.kind == "relu") return file::Clamp::relu;
  if (operation.kind == "relu6") return file::Clamp::relu6;
  return {};
}

std::optional<file::Function> function_of(const NetworkOperation& operation) {
  static const std::map<std::string, file::Function> functions{
      {"relu", file::Function::relu},
      {"relu6", file::Function::relu6},
      {"leaky_relu", file::Function::leaky_relu},
      {"sigmoid", file::Function::sigmoid},
      {"tanh", file::Function::tanh},
      {"gelu", file::Function::gelu},
      {"hardswish", file::Function::hardswish}};
  const auto found = functions.find(operation.kind);
  if (found == functions.end()) return {};
  return found->second;
}

/// A layer's weight and bias are multiplied so and moved by so much.
struct Affine {
  std::vector<double> factors;  ///< per output channel; empty: 1
  std::vector<double> bias;     ///< per output channel; empty: 0
};

class Describer {
 public:
  Describer(nn::Module& model, const DescribeOptions& options)
      : graph_(Graph::of(model, options.sample)),
        folds_(batch_norm_folds(graph_)),
        done_(graph_.operations().size()),
        stored_(graph_.values().size(), -1) {
    network_.normalisation = {options.mean, options.deviation};
    network_.class_names = options.class_names;
    stored_[0] = new_value(graph_.value(0).shape, wanted_grid(0));
  }

  Description make() {
    const std::vector<bool> needed = needed_operations();
    for (size_t number = 0; number < done_.size(); ++number) {
      if (needed[number] && !done_[number]) add(graph_.operation(static_cast<int>(number)));
    }
    Description result;
    for (const NetworkQuantization& each : graph_.quantizations())
      result.quantized.push_back(stored_codes(each));
    result.network = std::move(network_);
    return result;
  }

 private:
  /// Those that the result depends on.
  std::vector<bool> needed_operations() const {
    std::vector<bool> needed(done_.size());
    std::vector<int> open{graph_.result()};
    while (!open.empty()) {
      const int producer = graph_.value(open.back()).producer;
      open.pop_back();
      if (producer < 0 || needed[static_cast<size_t>(producer)]) continue;
      needed[static_cast<size_t>(producer)] = true;
      for (const NetworkInput& input : graph_.operation(producer).inputs) {
        if (input.value >= 0) open.push_back(input.value);
      }
    }
    return needed;
  }

  void add(const NetworkOperation& operation) {
    const std::string& kind = operation.kind;
    if (kind == "conv2d" || kind == "linear") return add_weighted(operation);
    if (kind == "batch_norm") return add_batch_norm(operation);
    if (kind == "add") return add_sum(operation);
    if (kind == "concat") return add_joined(operation);
    if (kind == "max_pool2d")
      return add_kept(operation,
                      file::MaxPool{integer(operation, "kernel"), integer(operation, "stride"),
                                    integer(operation, "padding")});
    if (kind == "flatten") return add_kept(operation, file::Flatten{});
    if (kind == "reshape") return add_kept(operation, file::Reshape{});
    if (kind == "avg_pool2d")
      return add_average(
          operation, file::AveragePool{integer(operation, "kernel"), integer(operation, "stride"),
                                       integer(operation, "padding")});
    if (kind == "global_avg_pool2d") return add_average(operation, file::GlobalAveragePool{});
    if (const auto function = function_of(operation)) return add_function(operation, *function);
    throw unknown_operation(pass, operation);
  }

  static int integer(const NetworkOperation& operation, const char* attribute) {
    return static_cast<int>(operation.attribute(attribute));
  }

  /// The operation that alone reads this value, which is not to be stored: it has no grid and is
  /// not the network's result.
  const NetworkOperation* sole_reader(int value) const {
    const NetworkValue& read = graph_.value(value);
    if (read.grid || value == graph_.result() || read.consumers.size() != 1) return nullptr;
    const NetworkOperation& reader = graph_.operation(read.consumers[0]);
    return reader.input() == value && !reader.inputs[0].grid ? &reader : nullptr;
  }
  void mark_done(const NetworkOperation& operation) {
    done_[static_cast<size_t>(&operation - graph_.operations().data())] = true;
  }

  /// Takes ReLU or ReLU6 behind `value` along. \return the value behind it, or `value` itself
  int take_clamp(int value, file::Clamp& clamp) {
    const NetworkOperation* reader = sole_reader(value);
    const auto follows = reader ? clamp_of(*reader) : std::nullopt;
    if (!follows) return value;
    clamp = *follows;
    mark_done(*reader);
    return reader->output;
  }

  void add_weighted(const NetworkOperation& operation) {
    Affine affine;
    if (operation.bias()) {
      const Tensor bias = operation.bias()->effective_value();
      affine.bias.assign(bias.values().begin(), bias.values().end());
    }
    int output = operation.output;
    const auto fold = std::find_if(folds_.begin(), folds_.end(), [&](const BatchNormFold& each) {
      return &graph_.operation(each.weighted) == &operation;
    });
    if (fold != folds_.end()) {
      const NetworkOperation& norm = graph_.operation(fold->batch_norm);
      affine = folded(norm, fold->affine, affine.bias);
      mark_done(norm);
      output = norm.output;
    }
    weigh(operation, operation.weight().effective_value(), affine, output);
  }

  /// A normalisation that stands by itself multiplies each channel: a depthwise convolution of one
  /// pixel.
  void add_batch_norm(const NetworkOperation& operation) {
    const Shape& shape = graph_.value(operation.output).shape;
    if (shape.axes() != 4) {
      throw Error(pass, operation.describe() +
                            " stands behind no convolution or linear layer, and its input is no "
                            "picture; such a batch normalisation cannot be exported");
    }
    const Affine affine = folded(operation, affine_of(operation), {});
    std::vector<float> factors(affine.factors.begin(), affine.factors.end());
    const int64_t channels = shape[3];
    weigh(operation, Tensor::from({channels, 1, 1, 1}, factors), {{}, affine.bias},
          operation.output);
  }

  static Affine folded(const NetworkOperation& norm, const ChannelAffine& transform,
                       const std::vector<double>& bias) {
    const bool residual = norm.inputs.size() > 3 && norm.inputs[3].value >= 0;
    if (residual || norm.attribute("relu") != 0) {
      throw Error(pass, norm.describe() +
                            " adds a residual or applies ReLU itself; write those as operations of "
                            "their own, as Residual and ReLU layers do");
    }
    Affine affine{{transform.factors.begin(), transform.factors.end()},
                  {transform.shifts.begin(), transform.shifts.end()}};
    for (size_t c = 0; c < bias.size(); ++c) affine.bias[c] += bias[c] * affine.factors[c];
    return affine;
  }

  /// A convolution or a linear layer whose result, with what follows, is the value `output`.
  void weigh(const NetworkOperation& operation, const Tensor& weight, const Affine& affine,
             int output) {
    file::Weights weights = stored_weights(weight, affine.factors);
    int input = read(operation.inputs[0]);
    const bool of_codes = value(input).has_codes() && !weights.codes.empty();
    if (!of_codes) input = as_float(input);

    file::Clamp clamp = file::Clamp::none;
    output = take_clamp(output, clamp);
    const auto grid = of_codes ? wanted_grid(output) : std::nullopt;
    file::Bias bias;
    if (!affine.bias.empty()) {
      if (of_codes) {
        bias = integer_bias(affine.bias, *value(input).grid, grid, weights);
      } else {
        bias.values.assign(affine.bias.begin(), affine.bias.end());
      }
    }
    const int result = new_value(graph_.value(output).shape, grid);
    file::Operation stored{operation.layer, {input}, result, {}};
    if (operation.kind == "linear") {
      stored.what = file::Linear{std::move(weights), std::move(bias), clamp};
    } else if (operation.kind == "batch_norm") {
      stored.what = file::Convolution{.weights = std::move(weights),
                                      .bias = std::move(bias),
                                      .groups = static_cast<int>(weight.shape()[0]),
                                      .clamp = clamp};
    } else {
      stored.what = file::Convolution{.weights = std::move(weights),
                                      .bias = std::move(bias),
                                      .stride = integer(operation, "stride"),
                                      .padding = integer(operation, "padding"),
                                      .dilation = integer(operation, "dilation"),
                                      .groups = integer(operation, "groups"),
                                      .clamp = clamp};
    }
    network_.operations.push_back(std::move(stored));
    finish(output, result);
  }

  /// The bias in multiples of scale_w·scale_x. A channel whose weights are so small that its bias
  /// would not fit gets larger steps; a layer whose steps are large beside its results, as they are
  /// at few bits, smaller ones.
  static file::Bias integer_bias(const std::vector<double>& bias, const file::Grid& input,
                                 const std::optional<file::Grid>& result, file::Weights& weights) {
    double most_bias = 0;
    for (const double each : bias) most_bias = std::max(most_bias, std::abs(each));
    const double fine = result ? bias_rounding(*result) : float_bias_rounding(most_bias);
    const auto step_of = [&](size_t output) {
      return double{weights.scale(static_cast<int64_t>(output))} * input.scale;
    };
    double coarsest = 0;  // of the steps
    for (size_t output = 0; output < bias.size(); ++output) {
      if (bias[output] != 0) coarsest = std::max(coarsest, step_of(output));
    }
    make_finer(weights, bias.size(), coarsest / fine);
    keep_in_range(bias, input, weights);

    file::Bias stored;
    double multiple = std::exp2(20);  // of the steps, that still is fine
    for (size_t output = 0; output < bias.size(); ++output) {
      const double step = step_of(output);
      stored.codes.push_back(static_cast<int32_t>(std::llround(bias[output] / step)));
      multiple = std::min(multiple, fine / step);
    }
    if (multiple >= 2) {
      multiple = std::exp2(std::floor(std::log2(multiple)));
      for (int32_t& code : stored.codes)
        code = static_cast<int32_t>(std::nearbyint(code / multiple) * multiple);
    }
    return stored;
  }
  /// Half of what 32 bits hold: the other half is for the sum of weights and inputs.
  static constexpr int64_t most_bias = 1 << 30;
  /// Weights whose steps are so small that the bias would exceed `most_bias` of them get larger
  /// ones.
  static void keep_in_range(const std::vector<double>& bias, const file::Grid& input,
                            file::Weights& weights) {
    constexpr double most = most_bias;
    const size_t outputs = bias.size(), each = weights.codes.size() / outputs;
    for (size_t output = 0; output < outputs; ++output) {
      const double step = double{weights.scale(static_cast<int64_t>(output))} * input.scale;
      if (std::abs(bias[output]) <= most * step) continue;
      if (weights.scales.size() == 1) weights.scales.assign(outputs, weights.scales[0]);
      const double larger = std::ceil(std::abs(bias[output]) / (most * step));
      for (size_t i = output * each; i < (output + 1) * each; ++i)
        weights.codes[i] = static_cast<int16_t>(std::nearbyint(weights.codes[i] / larger));
      weights.scales[output] = static_cast<float>(weights.scales[output] * larger);
    }
  }
  /// Weights on steps that are smaller by a power of two: by `wanted`, or as far as the codes stay
  /// within 8 bits, and sums with them and a bias of `most_bias` within 32. All of a layer alike,
  /// which costs the file next to nothing.
  static void make_finer(file::Weights& weights, size_t outputs, double wanted) {
    int largest = 1, finer = 1;
    int64_t sum = 0;  // the largest of an output, of codes without sign
    const size_t each = weights.codes.size() / outputs;
    for (size_t output = 0; output < outputs; ++output) {
      int64_t here = 0;
      for (size_t i = output * each; i < (output + 1) * each; ++i) {
        here += std::abs(int{weights.codes[i]});
        largest = std::max(largest, std::abs(int{weights.codes[i]}));
      }
      sum = std::max(sum, here);
    }
    // An input is at most 255 steps from its zero point; the checks of a file take twice that.
    constexpr int64_t most = most_bias / 510;
    while (finer < wanted && 2 * finer * largest <= 127 && 2 * finer * sum <= most) finer *= 2;
    for (int16_t& code : weights.codes) code = static_cast<int16_t>(code * finer);
    for (float& scale : weights.scales) scale /= static_cast<float>(finer);
  }

  void add_sum(const NetworkOperation& operation) {
    file::Clamp clamp = file::Clamp::none;
    const int output = take_clamp(operation.output, clamp);
    combine(operation, output, file::Add{clamp});
  }
  void add_joined(const NetworkOperation& operation) {
    combine(operation, operation.output, file::Concat{});
  }
  void add_average(const NetworkOperation& operation, file::What what) {
    combine(operation, operation.output, std::move(what));
  }

  /// What has a grid of its own: on codes if all inputs and the result have them.
  void combine(const NetworkOperation& operation, int output, file::What what) {
    auto grid = wanted_grid(output);
    std::vector<int> inputs;
    for (const NetworkInput& input : operation.inputs) {
      if (input.value < 0) throw unknown_operation(pass, operation);
      inputs.push_back(read(input));
      if (!value(inputs.back()).has_codes()) grid.reset();
    }
    if (!grid) {
      for (int& input : inputs) input = as_float(input);
    }
    emit(operation, std::move(inputs), output, grid, std::move(what));
  }

  /// What gives values of its input, with their grid.
  void add_kept(const NetworkOperation& operation, file::What what) {
    const int input = read(operation.inputs[0]);
    emit(operation, {input}, operation.output, value(input).grid, std::move(what));
  }

  void add_function(const NetworkOperation& operation, file::Function function) {
    int input = read(operation.inputs[0]);
    auto grid = wanted_grid(operation.output);
    // A ReLU only takes values away, so it needs no grid of its own.
    if (function == file::Function::relu && !grid) grid = value(input).grid;
    if (!value(input).has_codes()) grid.reset();
    if (!grid) input = as_float(input);
    file::Activation what;
    what.function = function;
    if (function == file::Function::leaky_relu)
      what.slope = static_cast<float>(operation.attribute("slope"));
    if (grid) what.table = file::activation_table(function, what.slope, *value(input).grid, *grid);
    emit(operation, {input}, operation.output, grid, std::move(what));
  }

  void emit(const NetworkOperation& operation, std::vector<int> inputs, int output,
            const std::optional<file::Grid>& grid, file::What what) {
    const int result = new_value(graph_.value(output).shape, grid);
    network_.operations.push_back({operation.layer, std::move(inputs), result, std::move(what)});
    finish(output, result);
  }

  /// The stored value `result` is the graph's value `output`, but for the grid that is wanted of
  /// it.
  void finish(int output, int result) {
    const auto wanted = wanted_grid(output);
    stored_[static_cast<size_t>(output)] = wanted ? as_codes(result, *wanted) : result;
  }

  /// What an operation reads: the value, and through its own quantizer.
  int read(const NetworkInput& input) {
    const int stored = stored_[static_cast<size_t>(input.value)];
    const int producer = graph_.value(input.value).producer;
    if (!input.grid) return stored;
    return as_codes(stored,
                    stored_grid(*input.grid, producer < 0 ? nullptr : &graph_.operation(producer)));
  }

  /// The value that holds what the quantization gives; −1: none does.
  int stored_codes(const NetworkQuantization& quantization) const {
    const int stored = stored_[static_cast<size_t>(quantization.value)];
    if (stored < 0) return -1;
    const int producer = graph_.value(quantization.value).producer;
    const file::Grid grid =
        stored_grid(quantization.grid, producer < 0 ? nullptr : &graph_.operation(producer));
    const auto& own = value(stored).grid;
    return own && equal(*own, grid) ? stored : conversion(stored, grid);
  }
  /// What the network's own conversion of this value to this grid gives; −1: there is none yet.
  int conversion(int stored, const std::optional<file::Grid>& grid) const {
    for (const file::Operation& operation : network_.operations) {
      const auto& there = value(operation.output).grid;
      if (std::holds_alternative<file::Convert>(operation.what) && operation.inputs[0] == stored &&
          there.has_value() == grid.has_value() && (!grid || equal(*there, *grid)))
        return operation.output;
    }
    return -1;
  }

  int as_float(int stored) { return converted(stored, std::nullopt); }
  int as_codes(int stored, const file::Grid& grid) { return converted(stored, grid); }
  int converted(int stored, const std::optional<file::Grid>& grid) {
    const auto& own = value(stored).grid;
    if (own.has_value() == grid.has_value() && (!grid || equal(*own, *grid))) return stored;
    const int there = conversion(stored, grid);
    if (there >= 0) return there;  // once is enough
    network_.values.push_back({value(stored).shape, grid});
    const int result = static_cast<int>(network_.values.size()) - 1;
    network_.operations.push_back({"", {stored}, result, file::Convert{}});
    return result;
  }

  std::optional<file::Grid> wanted_grid(int number) const {
    const NetworkValue& wanted = graph_.value(number);
    if (!wanted.grid) return {};
    return stored_grid(*wanted.grid,
                       wanted.producer < 0 ? nullptr : &graph_.operation(wanted.producer));
  }
  int new_value(const Shape& shape, const std::optional<file::Grid>& grid) {
    network_.values.push_back({without_batch(shape), grid});
    return static_cast<int>(network_.values.size()) - 1;
  }
  const file::Value& value(int stored) const {
    return network_.values[static_cast<size_t>(stored)];
  }

  Graph graph_;
  std::vector<BatchNormFold> folds_;
  file::Network network_;
  std::vector<bool> done_;   // by operation of the graph
  std::vector<int> stored_;  // by value of the graph: its number in the file
};

}  // namespace

double bias_rounding(const file::Grid& grid) {
  return std::ldexp(double{grid.scale} * (grid.highest - grid.lowest), -14);
}

double float_bias_rounding(double largest_bias) {
  return largest_bias / 256;
}

file::Network describe(nn::Module& model, const DescribeOptions& options) {
  return describe_followed(model, options).network;
}

Description describe_followed(nn::Module& model, const DescribeOptions& options) {
  return Describer(model, options).make();
}

}  // namespace espalier::compress
