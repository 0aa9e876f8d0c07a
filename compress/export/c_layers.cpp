#include "espalier/compress/export/c_layers.h"

#include <fmt/format.h>

#include <algorithm>

namespace espalier::compress::c_code {
namespace {

using file::Operation;

constexpr size_t columns = 100;

std::string code_range(const file::Grid& grid) {
  return fmt::format("{{{}, {}, {}}}", grid.zero_point, grid.lowest, grid.highest);
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("{}", fmt::join(shape, " x "));
}

/// Fields of a structure, in lines.
std::string structure(std::string_view type, std::string_view name,
                      const std::vector<std::string>& fields) {
  std::string text = fmt::format("static const {} {} = {{\n", type, name), line = "   ";
  for (const std::string& field : fields) {
    if (line.size() + field.size() + 2 > columns) {
      text += line + "\n";
      line = "   ";
    }
    line += " " + field + ",";
  }
  return text + line + "\n};\n";
}

template <class T>
std::string field(std::string_view name, T value) {
  return fmt::format(".{} = {}", name, value);
}

}  // namespace

std::string array(std::string_view type, std::string_view name,
                  const std::vector<int64_t>& numbers) {
  std::string text = fmt::format("static const {} {}[] = {{\n", type, name), line = "   ";
  for (const int64_t number : numbers) {
    // The smallest int32 is no literal of that type in C.
    const std::string digits = number == INT32_MIN ? "-2147483647 - 1" : std::to_string(number);
    if (line.size() + digits.size() + 2 > columns) {
      text += line + "\n";
      line = "   ";
    }
    line += " " + digits + ",";
  }
  return text + line + "\n};\n";
}

std::string comment_text(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c < ' ' || c > '~' || c == '*' || c == '\\' || c == '?') c = '?';
  }
  // Two question marks could begin a trigraph.
  std::replace(result.begin(), result.end(), '?', '_');
  return result;
}

std::string LayerConstants::next_name() {
  return std::to_string(count_++);
}

void LayerConstants::heading(const Operation& operation, const std::string& more) {
  text_ += fmt::format("\n/* {}{} */\n", comment_text(name_of(network_, operation)), more);
}

/// Arrays of weights, biases and multipliers with the layer's number.
void LayerConstants::sums(const Step& step, const file::Weights& weights, const file::Bias& bias,
                          file::Clamp clamp, const std::string& number) {
  const Operation& operation = *step.operation;
  const auto zeros = std::count(weights.codes.begin(), weights.codes.end(), int16_t{0});
  const PackedWeights& packed = step.weights;
  heading(operation,
          fmt::format(": weights {}, of which {} are 0; {}", shape_text(weights.shape), zeros,
                      packed.bytes ? "a byte each"
                      : packed.sparse()
                          ? fmt::format("{} bits each for those that are not, behind gaps of "
                                        "{} bits",
                                        packed.code_bits, packed.gap_bits)
                          : fmt::format("{} bits each", packed.code_bits)));
  text_ += array("uint8_t", "weights_" + number, {packed.data.begin(), packed.data.end()});
  const bool has_bias =
      std::any_of(bias.codes.begin(), bias.codes.end(), [](int32_t code) { return code != 0; });
  if (has_bias) {
    text_ += array("int32_t", "bias_" + number, {bias.codes.begin(), bias.codes.end()});
  }
  const file::Grid &x = grid(operation.inputs[0]), &y = grid(operation.output);
  std::vector<int64_t> factors, shifts;
  for (const float scale : weights.scales) {
    const runtime::Multiplier by = sum_multiplier(operation, scale, x, y);
    factors.push_back(by.factor);
    shifts.push_back(by.shift);
  }
  text_ +=
      array("int32_t", "factor_" + number, factors) + array("uint8_t", "shift_" + number, shifts);

  std::vector<std::string> fields{
      fmt::format(".from = {{weights_{}, {}, {}, {}, {}}}", number, packed.lowest, packed.step,
                  packed.code_bits, packed.gap_bits),
      fmt::format(".by = {{{}, factor_{}, shift_{}, {}, {}}}", has_bias ? "bias_" + number : "0",
                  number, number, weights.scales.size() > 1 ? 1 : 0,
                  code_range(clamped(y, clamp)))};
  const Extents in = extents(value(operation.inputs[0])), out = extents(value(operation.output));
  const auto& shape = weights.shape;
  if (const auto* c = std::get_if<file::Convolution>(&operation.what)) {
    for (std::string& each : std::vector<std::string>{
             field("height", in.height), field("width", in.width), field("channels", in.channels),
             field("out_height", out.height), field("out_width", out.width),
             field("outputs", out.channels), field("kernel_height", shape[1]),
             field("kernel_width", shape[2]), field("stride", c->stride),
             field("padding", c->padding), field("dilation", c->dilation),
             field("group_inputs", shape[3]), field("group_outputs", shape[0] / c->groups),
             field("rows", step.rows)}) {
      fields.push_back(std::move(each));
    }
  } else {
    fields.push_back(field("inputs", shape[1]));
    fields.push_back(field("outputs", shape[0]));
  }
  fields.push_back(field("zero", x.zero_point));
  text_ += structure(shape.size() == 4 ? "convolution" : "linear_layer", "layer_" + number, fields);
}

std::string LayerConstants::windows(const Operation& operation, int64_t kernel_height,
                                    int64_t kernel_width, int stride, int padding) const {
  const Extents in = extents(value(operation.inputs[0])), out = extents(value(operation.output));
  // The mean over all pixels leaves a vector: one window.
  return fmt::format("{}, {}, {}, {}, {}, {}, {}, {}, {}", in.height, in.width, in.channels,
                     out.height, out.width, kernel_height, kernel_width, stride, padding);
}

void LayerConstants::average(const Operation& operation, const std::string& name,
                             int64_t kernel_height, int64_t kernel_width, int stride, int padding) {
  const file::Grid &x = grid(operation.inputs[0]), &y = grid(operation.output);
  const runtime::Multiplier by = mean_multiplier(operation, x, y, kernel_height * kernel_width);
  text_ += structure("average", name,
                     {fmt::format(".over = {{{}}}",
                                  windows(operation, kernel_height, kernel_width, stride, padding)),
                      field("factor", by.factor), field("shift", by.shift),
                      field("zero", x.zero_point), ".to = " + code_range(y)});
}

std::string LayerConstants::constants(const Step& step) {
  const Operation& operation = *step.operation;
  const file::Grid &x = grid(operation.inputs[0]), &y = grid(operation.output);
  const Extents in = extents(value(operation.inputs[0]));
  if (std::get_if<file::Convert>(&operation.what)) {
    return conversion(operation, operation.inputs[0], {1, 1, in.size()}, in.size());
  }
  const std::string number = next_name(), name = "layer_" + number;
  if (const auto* c = std::get_if<file::Convolution>(&operation.what)) {
    sums(step, c->weights, c->bias, c->clamp, number);
    return name;
  }
  if (const auto* l = std::get_if<file::Linear>(&operation.what)) {
    sums(step, l->weights, l->bias, l->clamp, number);
    return name;
  }
  heading(operation);
  if (const auto* pool = std::get_if<file::MaxPool>(&operation.what)) {
    text_ +=
        fmt::format("static const windows {} = {{{}}};\n", name,
                    windows(operation, pool->kernel, pool->kernel, pool->stride, pool->padding));
  } else if (const auto* mean = std::get_if<file::AveragePool>(&operation.what)) {
    average(operation, name, mean->kernel, mean->kernel, mean->stride, mean->padding);
  } else if (std::get_if<file::GlobalAveragePool>(&operation.what)) {
    average(operation, name, in.height, in.width, 1, 0);
  } else {
    const auto& sum = std::get<file::Add>(operation.what);
    const file::Grid& b = grid(operation.inputs[1]);
    const runtime::MultiplierPair by = addition_multipliers(operation, x, b, y);
    text_ += structure(
        "addition", name,
        {field("n", in.size()), field("zero_a", x.zero_point), field("zero_b", b.zero_point),
         field("factor_a", by.first), field("factor_b", by.second), field("shift", by.shift),
         ".to = " + code_range(clamped(y, sum.clamp))});
  }
  return name;
}

std::string LayerConstants::table(const Operation& operation, const file::Activation& activation) {
  std::string& name = tables_[activation.table];
  if (name.empty()) {
    name = "table_" + next_name();
    heading(operation, ": of codes from -128");
    text_ += array("int8_t", name, {activation.table.begin(), activation.table.end()});
  }
  return name;
}

std::string LayerConstants::conversion(const Operation& operation, int input, const Extents& x,
                                       int64_t out_channels) {
  const std::string name = "layer_" + next_name();
  const file::Grid &from = grid(input), &to = grid(operation.output);
  const runtime::Multiplier by = conversion_multiplier(operation, from, to);
  heading(operation);
  text_ += structure(
      "conversion", name,
      {field("pixels", x.height * x.width), field("channels", x.channels),
       field("out_channels", out_channels), field("factor", by.factor), field("shift", by.shift),
       field("zero", from.zero_point), ".to = " + code_range(to)});
  return name;
}

}  // namespace espalier::compress::c_code
