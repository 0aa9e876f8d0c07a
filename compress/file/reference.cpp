#include "espalier/compress/file/reference.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/file/reference_arithmetic.h"

namespace espalier::compress::file {
namespace {

/// Evaluates single operations of a network.
class Evaluator {
 public:
  explicit Evaluator(const Network& network) : network_(network) {}

  /// The input, from bytes or from float32 numbers in place of pixel/255.
  Contents of_pixels(const std::vector<uint8_t>& pixels) const {
    std::vector<double> numbers;
    for (const uint8_t pixel : pixels) numbers.push_back(pixel / 255.0);
    return of_numbers(numbers);
  }
  Contents of_numbers(const std::vector<double>& numbers) const {
    const Value& input = network_.values[0];
    const auto channels = static_cast<size_t>(input.shape.back());
    const auto pick = [&](const std::vector<float>& each, size_t channel, double otherwise) {
      return each.empty() ? otherwise : double{each[each.size() == 1 ? 0 : channel]};
    };
    Contents result;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const double mean = pick(network_.normalisation.mean, i % channels, 0);
      const double deviation = pick(network_.normalisation.deviation, i % channels, 1);
      const double x = as_float((numbers[i] - mean) / deviation);
      if (input.grid) {
        result.codes.push_back(code_of(x, *input.grid));
      } else {
        result.numbers.push_back(x);
      }
    }
    return result;
  }

  /// All values, from the input's.
  std::vector<Contents> all_values(Contents input) const {
    std::vector<Contents> values(network_.values.size());
    values[0] = std::move(input);
    for (const Operation& operation : network_.operations) {
      values[static_cast<size_t>(operation.output)] = result_of(operation, values);
    }
    return values;
  }

  /// One operation's result, from whatever its inputs are in `values`.
  Contents result_of(const Operation& operation, const std::vector<Contents>& values) const {
    return std::visit([&](const auto& what) { return compute(operation, what, values); },
                      operation.what);
  }

 private:
  using Values = std::vector<Contents>;
  using Op = Operation;
  struct Shape {
    int64_t height = 1, width = 1, channels = 1;
    int64_t size() const { return height * width * channels; }
    size_t at(int64_t p, int64_t q, int64_t c) const {
      return static_cast<size_t>((p * width + q) * channels + c);
    }
    bool contains(int64_t p, int64_t q) const {
      return p >= 0 && p < height && q >= 0 && q < width;
    }
  };

  const Value& value(int i) const { return network_.values[static_cast<size_t>(i)]; }
  const Value& x(const Op& op, size_t i = 0) const { return value(op.inputs[i]); }
  const Value& y(const Op& op) const { return value(op.output); }
  static Shape shape(const Value& value) {
    const auto& s = value.shape;
    return s.size() == 3 ? Shape{s[0], s[1], s[2]} : Shape{1, 1, s[0]};
  }
  static const Contents& in(const Op& op, const Values& values, size_t i = 0) {
    return values[static_cast<size_t>(op.inputs[i])];
  }

  static int64_t clamped_code(int64_t code, const Grid& grid, Clamp clamp) {
    code = limited(code, grid);
    if (clamp != Clamp::none) code = std::max<int64_t>(code, grid.zero_point);
    if (clamp == Clamp::relu6) {
      const double six = std::nearbyint(6.0 / double{grid.scale}) + grid.zero_point;
      if (static_cast<double>(code) > six) code = static_cast<int64_t>(six);
    }
    return code;
  }
  static double clamped_number(double number, Clamp clamp) {
    if (clamp != Clamp::none) number = std::max(number, 0.0);
    return as_float(clamp == Clamp::relu6 ? std::min(number, 6.0) : number);
  }

  /// A sum of codes (x − zero)·w, or of numbers x·w, with the bias: as what the result is.
  void put_sum(const Op& op, const Weights& w, const Bias& bias, Clamp clamp, int64_t output,
               int64_t codes, double numbers, Contents& result) const {
    const auto o = static_cast<size_t>(output);
    if (!x(op).grid) {
      if (!bias.values.empty()) numbers += double{bias.values[o]};
      if (!bias.codes.empty()) numbers += double{bias.scale} * bias.codes[o];
      result.numbers.push_back(clamped_number(numbers, clamp));
      return;
    }
    if (!bias.codes.empty()) codes += bias.codes[o];
    if (codes < INT32_MIN || codes > INT32_MAX) throw Error("reference", "a sum exceeds int32");
    const double scale = double{w.scale(output)} * double{x(op).grid->scale};
    if (!y(op).grid) {
      const float number = static_cast<float>(codes) * as_float(scale);
      result.numbers.push_back(clamped_number(number, clamp));
      return;
    }
    const Grid& grid = *y(op).grid;
    const Ratio by(scale / double{grid.scale});
    result.codes.push_back(
        clamped_code(grid.zero_point + rounded(codes * by.factor, by.shift), grid, clamp));
  }
  static double weight(const Weights& w, int64_t output, size_t i) {
    if (!w.values.empty()) return double{w.values[i]};
    if (!w.codes.empty()) return double{as_float(double{w.scale(output)} * w.codes[i])};
    return double{w.codebook[w.indices[i]]};
  }

  Contents compute(const Op& op, const Convolution& c, const Values& values) const {
    const Shape from = shape(x(op)), to = shape(y(op));
    const auto& s = c.weights.shape;
    const int64_t group_outputs = s[0] / c.groups;
    const Contents& input = in(op, values);
    Contents result;
    for (int64_t p = 0; p < to.height; ++p) {
      for (int64_t q = 0; q < to.width; ++q) {
        for (int64_t o = 0; o < to.channels; ++o) {
          int64_t codes = 0;
          double numbers = 0;
          size_t k = static_cast<size_t>(o * s[1] * s[2] * s[3]);
          for (int64_t i = 0; i < s[1]; ++i) {
            for (int64_t j = 0; j < s[2]; ++j) {
              for (int64_t d = 0; d < s[3]; ++d, ++k) {
                const int64_t row = p * c.stride - c.padding + i * c.dilation;
                const int64_t column = q * c.stride - c.padding + j * c.dilation;
                if (!from.contains(row, column)) continue;
                const size_t at = from.at(row, column, o / group_outputs * s[3] + d);
                if (x(op).grid) {
                  codes += (input.codes[at] - x(op).grid->zero_point) * c.weights.codes[k];
                } else {
                  numbers += input.numbers[at] * weight(c.weights, o, k);
                }
              }
            }
          }
          put_sum(op, c.weights, c.bias, c.clamp, o, codes, numbers, result);
        }
      }
    }
    return result;
  }

  Contents compute(const Op& op, const Linear& l, const Values& values) const {
    const int64_t outputs = l.weights.shape[0], inputs = l.weights.shape[1];
    const Contents& input = in(op, values);
    Contents result;
    for (int64_t o = 0; o < outputs; ++o) {
      int64_t codes = 0;
      double numbers = 0;
      for (int64_t i = 0; i < inputs; ++i) {
        const auto at = static_cast<size_t>(i), k = static_cast<size_t>(o * inputs + i);
        if (x(op).grid) {
          codes += (input.codes[at] - x(op).grid->zero_point) * l.weights.codes[k];
        } else {
          numbers += input.numbers[at] * weight(l.weights, o, k);
        }
      }
      put_sum(op, l.weights, l.bias, l.clamp, o, codes, numbers, result);
    }
    return result;
  }

  Contents compute(const Op& op, const MaxPool& pool, const Values& values) const {
    const Shape from = shape(x(op)), to = shape(y(op));
    const Contents& input = in(op, values);
    Contents result;
    for (int64_t p = 0; p < to.height; ++p) {
      for (int64_t q = 0; q < to.width; ++q) {
        for (int64_t c = 0; c < to.channels; ++c) {
          std::vector<size_t> window;
          for (int64_t i = p * pool.stride - pool.padding, n = 0; n < pool.kernel; ++n, ++i) {
            for (int64_t j = q * pool.stride - pool.padding, m = 0; m < pool.kernel; ++m, ++j) {
              if (from.contains(i, j)) window.push_back(from.at(i, j, c));
            }
          }
          const auto largest = [&](const auto& of) {
            return of[*std::max_element(window.begin(), window.end(),
                                        [&](size_t a, size_t b) { return of[a] < of[b]; })];
          };
          if (x(op).grid) {
            result.codes.push_back(largest(input.codes));
          } else {
            result.numbers.push_back(largest(input.numbers));
          }
        }
      }
    }
    return result;
  }

  /// Means over windows of kh×kw, padding counted as zeros.
  Contents means(const Op& op, const Values& values, int64_t kh, int64_t kw, int64_t stride,
                 int64_t padding) const {
    const Shape from = shape(x(op)), to = shape(y(op));
    const Contents& input = in(op, values);
    Contents result;
    for (int64_t p = 0; p < to.height; ++p) {
      for (int64_t q = 0; q < to.width; ++q) {
        for (int64_t c = 0; c < to.channels; ++c) {
          int64_t codes = 0;
          double numbers = 0;
          for (int64_t i = p * stride - padding; i < p * stride - padding + kh; ++i) {
            for (int64_t j = q * stride - padding; j < q * stride - padding + kw; ++j) {
              if (!from.contains(i, j)) continue;
              if (x(op).grid) {
                codes += input.codes[from.at(i, j, c)] - x(op).grid->zero_point;
              } else {
                numbers += input.numbers[from.at(i, j, c)];
              }
            }
          }
          const double n = static_cast<double>(kh * kw);
          if (x(op).grid) {
            const Grid& grid = *y(op).grid;
            const Ratio by(double{x(op).grid->scale} / (double{grid.scale} * n));
            result.codes.push_back(
                limited(grid.zero_point + rounded(codes * by.factor, by.shift), grid));
          } else {
            result.numbers.push_back(as_float(numbers / n));
          }
        }
      }
    }
    return result;
  }
  Contents compute(const Op& op, const AveragePool& pool, const Values& values) const {
    return means(op, values, pool.kernel, pool.kernel, pool.stride, pool.padding);
  }
  Contents compute(const Op& op, const GlobalAveragePool&, const Values& values) const {
    return means(op, values, shape(x(op)).height, shape(x(op)).width, 1, 0);
  }

  Contents compute(const Op& op, const Add& add, const Values& values) const {
    const Contents &a = in(op, values, 0), &b = in(op, values, 1);
    Contents result;
    if (!y(op).grid) {
      for (size_t k = 0; k < a.numbers.size(); ++k) {
        result.numbers.push_back(clamped_number(a.numbers[k] + b.numbers[k], add.clamp));
      }
      return result;
    }
    const Grid &of_a = *x(op, 0).grid, &of_b = *x(op, 1).grid, &grid = *y(op).grid;
    const double ratio_a = double{of_a.scale} / double{grid.scale};
    const double ratio_b = double{of_b.scale} / double{grid.scale};
    const Ratio larger(std::max(ratio_a, ratio_b));
    const auto factor = [&](double ratio) {
      return std::min(larger.factor, larger.times_two_to_shift(ratio));
    };
    for (size_t k = 0; k < a.codes.size(); ++k) {
      const int64_t sum = (a.codes[k] - of_a.zero_point) * factor(ratio_a) +
                          (b.codes[k] - of_b.zero_point) * factor(ratio_b);
      result.codes.push_back(
          clamped_code(grid.zero_point + rounded(sum, larger.shift), grid, add.clamp));
    }
    return result;
  }

  /// One element of the first value as an element of the second.
  static void put_converted(const Value& from, const Contents& input, size_t at, const Value& to,
                            Contents& result) {
    if (from.grid && to.grid) {
      const Ratio by(double{from.grid->scale} / double{to.grid->scale});
      const int64_t code = (input.codes[at] - from.grid->zero_point) * by.factor;
      result.codes.push_back(limited(to.grid->zero_point + rounded(code, by.shift), *to.grid));
    } else if (from.grid) {
      result.numbers.push_back(number_of(input.codes[at], *from.grid));
    } else if (to.grid) {
      result.codes.push_back(code_of(input.numbers[at], *to.grid));
    } else {
      result.numbers.push_back(input.numbers[at]);
    }
  }
  Contents compute(const Op& op, const Convert&, const Values& values) const {
    Contents result;
    for (size_t k = 0; k < static_cast<size_t>(shape(x(op)).size()); ++k) {
      put_converted(x(op), in(op, values), k, y(op), result);
    }
    return result;
  }
  Contents compute(const Op& op, const Concat&, const Values& values) const {
    const Shape to = shape(y(op));
    Contents result;
    for (int64_t pixel = 0; pixel < to.height * to.width; ++pixel) {
      for (size_t i = 0; i < op.inputs.size(); ++i) {
        const int64_t channels = shape(x(op, i)).channels;
        for (int64_t c = 0; c < channels; ++c) {
          put_converted(x(op, i), in(op, values, i), static_cast<size_t>(pixel * channels + c),
                        y(op), result);
        }
      }
    }
    return result;
  }
  Contents compute(const Op& op, const Flatten&, const Values& values) const {
    const Shape from = shape(x(op));
    Contents result;
    for (int64_t c = 0; c < from.channels; ++c) {
      for (int64_t p = 0; p < from.height; ++p) {
        for (int64_t q = 0; q < from.width; ++q) {
          put_converted(x(op), in(op, values), from.at(p, q, c), x(op), result);
        }
      }
    }
    return result;
  }
  Contents compute(const Op& op, const Reshape&, const Values& values) const {
    return in(op, values);
  }

  static double value_of(const Activation& activation, double x) {
    switch (activation.function) {
      case Function::relu:
        return std::max(x, 0.0);
      case Function::relu6:
        return std::min(std::max(x, 0.0), 6.0);
      case Function::leaky_relu:
        return x > 0 ? x : double{activation.slope} * x;
      case Function::sigmoid:
        return 1 / (1 + std::exp(-x));
      case Function::tanh:
        return std::tanh(x);
      case Function::gelu:
        return x * 0.5 * std::erfc(-x * std::sqrt(0.5));
      case Function::hardswish:
        return x * std::min(std::max(x + 3, 0.0), 6.0) / 6;
    }
    throw Error("reference", "an activation is not known");
  }
  Contents compute(const Op& op, const Activation& activation, const Values& values) const {
    Contents result;
    for (const int64_t code : in(op, values).codes) {
      result.codes.push_back(activation.table[static_cast<size_t>(code + 128)]);
    }
    for (const double number : in(op, values).numbers) {
      result.numbers.push_back(as_float(value_of(activation, number)));
    }
    return result;
  }

  const Network& network_;
};

}  // namespace

Contents Reference::of_pixels(const std::vector<uint8_t>& pixels) const {
  return Evaluator(network_).of_pixels(pixels);
}

Contents Reference::of_numbers(const std::vector<double>& numbers) const {
  return Evaluator(network_).of_numbers(numbers);
}

std::vector<Contents> Reference::all_values(Contents input) const {
  return Evaluator(network_).all_values(std::move(input));
}

Contents Reference::result_of(const Operation& operation,
                              const std::vector<Contents>& values) const {
  return Evaluator(network_).result_of(operation, values);
}

}  // namespace espalier::compress::file
