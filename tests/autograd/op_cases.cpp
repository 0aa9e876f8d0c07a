#include "autograd/op_cases.h"

#include "espalier/autograd/backend/reference/conv2d.h"
#include "espalier/autograd/backend/reference/cross_entropy.h"
#include "espalier/autograd/backend/reference/distillation.h"
#include "espalier/autograd/backend/reference/matmul.h"
#include "espalier/autograd/backend/reference/vector_kernels.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

namespace espalier::test {
namespace {

namespace reference = backend::reference;
using Doubles = std::vector<double>;

int64_t count(const Doubles& values) {
  return static_cast<int64_t>(values.size());
}

OpCase linear_case(int64_t batch, int64_t in, int64_t out, bool bias) {
  using backend::Matmul;
  OpCase c{"linear " + std::to_string(batch) + "×" + std::to_string(in) + "→" + std::to_string(out),
           {normal({batch, in}, 1), normal({out, in}, 2)},
           {},
           {},
           {}};
  if (bias) c.inputs.push_back(normal({out}, 3));
  c.operation = [=](const std::vector<Tensor>& x) {
    return linear(x[0], x[1], bias ? x[2] : Tensor());
  };
  c.forward = [=](const DoubleArrays& x) {
    Doubles y(static_cast<size_t>(batch * out));
    reference::matmul(Matmul::packed(false, true, batch, out, in), x[0].data(), x[1].data(),
                      y.data());
    if (bias) reference::add_to_rows(batch, out, x[2].data(), y.data());
    return y;
  };
  c.backward = [=](const DoubleArrays& x, const Doubles& g) {
    DoubleArrays result{Doubles(x[0].size()), Doubles(x[1].size())};
    reference::matmul(Matmul::packed(false, false, batch, in, out), g.data(), x[1].data(),
                      result[0].data());
    reference::matmul(Matmul::packed(true, false, out, in, batch), g.data(), x[0].data(),
                      result[1].data());
    if (bias) {
      result.emplace_back(static_cast<size_t>(out));
      reference::column_sums(batch, out, g.data(), result[2].data());
    }
    return result;
  };
  return c;
}

OpCase conv_case(const backend::Conv2d& p, bool bias) {
  OpCase c{"conv2d " + std::to_string(p.height) + "×" + std::to_string(p.width) + "×" +
               std::to_string(p.channels) + " kernel " + std::to_string(p.kernel_height) + "×" +
               std::to_string(p.kernel_width) + " out " + std::to_string(p.out_channels) +
               " stride " + std::to_string(p.stride) + " padding " + std::to_string(p.padding) +
               " dilation " + std::to_string(p.dilation) + " groups " + std::to_string(p.groups),
           {normal({p.batch, p.height, p.width, p.channels}, 4),
            normal({p.out_channels, p.kernel_height, p.kernel_width, p.group_channels()}, 5)},
           {},
           {},
           {}};
  if (bias) c.inputs.push_back(normal({p.out_channels}, 6));
  c.operation = [=](const std::vector<Tensor>& x) {
    return conv2d(
        x[0], x[1], bias ? x[2] : Tensor(),
        {.stride = p.stride, .padding = p.padding, .dilation = p.dilation, .groups = p.groups});
  };
  c.forward = [=](const DoubleArrays& x) {
    Doubles y(static_cast<size_t>(p.batch * p.out_height() * p.out_width() * p.out_channels));
    reference::conv2d_forward(p, x[0].data(), x[1].data(), bias ? x[2].data() : nullptr, y.data());
    return y;
  };
  c.backward = [=](const DoubleArrays& x, const Doubles& g) {
    DoubleArrays result{Doubles(x[0].size()), Doubles(x[1].size())};
    reference::conv2d_input_gradient(p, g.data(), x[1].data(), result[0].data());
    reference::conv2d_weight_gradient(p, g.data(), x[0].data(), result[1].data());
    if (bias) {
      result.emplace_back(static_cast<size_t>(p.out_channels));
      reference::column_sums(count(g) / p.out_channels, p.out_channels, g.data(), result[2].data());
    }
    return result;
  };
  return c;
}

OpCase pool_case(const Shape& input, const MaxPool2dOptions& o) {
  const auto extent = [&](int64_t in) { return (in + 2 * o.padding - o.kernel) / o.stride + 1; };
  const backend::Windows w{input[1], input[2],  input[3], o.kernel,         o.kernel,
                           o.stride, o.padding, 1,        extent(input[1]), extent(input[2])};
  const int64_t batch = input[0];
  OpCase c{"max_pool2d " + input.to_string() + " kernel " + std::to_string(o.kernel) + " stride " +
               std::to_string(o.stride) + " padding " + std::to_string(o.padding),
           {normal(input, 7)},
           {},
           {},
           {}};
  const auto forward = [=](const Doubles& x) {
    Doubles y(static_cast<size_t>(batch * w.out_height * w.out_width * w.channels));
    reference::max_pool(w, batch, x.data(), y.data());
    return y;
  };
  c.operation = [=](const std::vector<Tensor>& x) { return max_pool2d(x[0], o); };
  c.forward = [=](const DoubleArrays& x) { return forward(x[0]); };
  c.backward = [=](const DoubleArrays& x, const Doubles& g) {
    DoubleArrays result{Doubles(x[0].size())};
    reference::max_pool_gradient(w, batch, x[0].data(), forward(x[0]).data(), g.data(),
                                 result[0].data());
    return result;
  };
  return c;
}

/// An operation on one tensor, element by element.
OpCase elementwise_case(std::string name, const Shape& shape,
                        std::function<Tensor(const Tensor&)> operation,
                        std::function<Doubles(const Doubles&)> forward,
                        std::function<Doubles(const Doubles&, const Doubles&)> backward) {
  return {std::move(name),
          {normal(shape, 8)},
          [=](const std::vector<Tensor>& x) { return operation(x[0]); },
          [=](const DoubleArrays& x) { return forward(x[0]); },
          [=](const DoubleArrays& x, const Doubles& g) { return DoubleArrays{backward(x[0], g)}; }};
}

/// Quantization with one grid, or with one for each index of the first axis.
void add_fake_quantize_case(std::vector<OpCase>& cases, const Shape& shape, bool by_row) {
  const int64_t rows = by_row ? shape[0] : 1;
  std::vector<QuantizationGrid> grids;
  for (int64_t row = 0; row < rows; ++row) {
    grids.push_back({.scale = 0.125f * static_cast<float>(1 + row % 3),
                     .zero_point = by_row ? 0 : 5,
                     .lowest = by_row ? -7 : 0,
                     .highest = by_row ? 7 : 15});
  }
  const int64_t elements = shape.elements() / rows;
  const auto grid_of = [=](int64_t i) { return grids[static_cast<size_t>(i / elements)]; };
  // Away from where rounding or the gradient jumps.
  const Tensor noise = normal(shape, 13);
  const Tensor input = Tensor::generate(shape, [&](int64_t i) {
    const float beside = i % 3 == 0 ? -0.3f : i % 3 == 1 ? 0.1f : 0.3f;
    return (std::round(6 * noise[i]) + beside) * grid_of(i).scale;
  });
  const auto each = [=](const Doubles& x, auto function) {
    Doubles y(x.size());
    for (int64_t i = 0; i < count(x); ++i) {
      const auto at = static_cast<size_t>(i);
      y[at] = function(grid_of(i), at);
    }
    return y;
  };
  const auto quantized = [=](const DoubleArrays& x) {
    return each(x[0], [&](const QuantizationGrid& grid, size_t at) {
      struct {
        double scale, zero, lowest, highest;
      } levels{double{grid.scale}, double(grid.zero_point), double(grid.lowest),
               double(grid.highest)};
      double y = 0;
      reference::fake_quantize(1, levels, &x[0][at], &y);
      return y;
    });
  };
  const auto clamped = [=](const DoubleArrays& x) {
    return each(x[0], [&](const QuantizationGrid& grid, size_t at) {
      double y = 0;
      reference::clamp(1, double{grid.low()}, double{grid.high()}, &x[0][at], &y);
      return y;
    });
  };
  OpCase one{"fake_quantize " + shape.to_string() + (by_row ? " by row" : ""),
             {input},
             [=](const std::vector<Tensor>& x) { return fake_quantize(x[0], grids); },
             quantized,
             [=](const DoubleArrays& x, const Doubles& g) {
               return DoubleArrays{each(x[0], [&](const QuantizationGrid& grid, size_t at) {
                 double gx = 0;
                 reference::clamp_gradient(1, double{grid.low()}, double{grid.high()}, &x[0][at],
                                           &g[at], &gx);
                 return gx;
               })};
             }};
  one.surrogate = clamped;
  cases.push_back(std::move(one));
}

void add_elementwise_cases(std::vector<OpCase>& cases, const Shape& shape) {
  add_fake_quantize_case(cases, shape, false);
  add_fake_quantize_case(cases, shape, true);
  const std::string suffix = " " + shape.to_string();
  const auto like = [](const Doubles& x) { return Doubles(x.size()); };
  cases.push_back(elementwise_case(
      "relu" + suffix, shape, [](const Tensor& x) { return relu(x); },
      [=](const Doubles& x) {
        Doubles y = like(x);
        reference::relu(count(x), x.data(), y.data());
        return y;
      },
      [=](const Doubles& x, const Doubles& g) {
        Doubles y = like(x), gx = like(x);
        reference::relu(count(x), x.data(), y.data());
        reference::relu_gradient(count(x), y.data(), g.data(), gx.data());
        return gx;
      }));
  cases.push_back(elementwise_case(
      "clamp" + suffix, shape, [](const Tensor& x) { return clamp(x, -0.5f, 0.75f); },
      [=](const Doubles& x) {
        Doubles y = like(x);
        reference::clamp(count(x), -0.5, 0.75, x.data(), y.data());
        return y;
      },
      [=](const Doubles& x, const Doubles& g) {
        Doubles gx = like(x);
        reference::clamp_gradient(count(x), -0.5, 0.75, x.data(), g.data(), gx.data());
        return gx;
      }));

  const auto rounded = [=](const Doubles& x) {
    Doubles y = like(x);
    reference::round(count(x), x.data(), y.data());
    return y;
  };
  OpCase round = elementwise_case(
      "round_straight_through" + suffix, shape,
      [](const Tensor& x) { return round_straight_through(x); }, rounded,
      [](const Doubles&, const Doubles& g) { return g; });
  const Doubles at = doubles(round.inputs[0]), at_rounded = rounded(at);
  round.surrogate = [=](const DoubleArrays& x) {  // x + stop(round(x) − x)
    Doubles y = x[0];
    for (size_t i = 0; i < y.size(); ++i) y[i] += at_rounded[i] - at[i];
    return y;
  };
  cases.push_back(std::move(round));

  const Tensor bits =
      Tensor::generate(shape, [](int64_t i) { return i % 3 == 1 || i % 7 == 2 ? 0.0f : 1.0f; });
  const Mask mask = Mask::from(bits);
  const auto masked = [=](const Doubles& x) {
    Doubles y = like(x);
    reference::mask(count(x), x.data(), mask.words(), y.data());
    return y;
  };
  cases.push_back(elementwise_case(
      "masked_multiply" + suffix, shape, [=](const Tensor& x) { return masked_multiply(x, mask); },
      masked, [=](const Doubles&, const Doubles& g) { return masked(g); }));
  OpCase through = elementwise_case(
      "masked_multiply straight through" + suffix, shape,
      [=](const Tensor& x) { return masked_multiply(x, mask, MaskGradient::straight_through); },
      masked, [](const Doubles&, const Doubles& g) { return g; });
  const Doubles kept = masked(at);
  through.surrogate = [=](const DoubleArrays& x) {  // x + stop(m⊙x − x)
    Doubles y = x[0];
    for (size_t i = 0; i < y.size(); ++i) y[i] += kept[i] - at[i];
    return y;
  };
  cases.push_back(std::move(through));

  cases.push_back({"add" + suffix,
                   {normal(shape, 9), normal(shape, 10)},
                   [](const std::vector<Tensor>& x) { return add(x[0], x[1]); },
                   [=](const DoubleArrays& x) {
                     Doubles y = like(x[0]);
                     reference::add(count(y), x[0].data(), x[1].data(), y.data());
                     return y;
                   },
                   [](const DoubleArrays&, const Doubles& g) {
                     return DoubleArrays{g, g};
                   }});
  cases.push_back({"multiply" + suffix,
                   {normal(shape, 11), normal(shape, 12)},
                   [](const std::vector<Tensor>& x) { return multiply(x[0], x[1]); },
                   [=](const DoubleArrays& x) {
                     Doubles y = like(x[0]);
                     reference::multiply(count(y), x[0].data(), x[1].data(), y.data());
                     return y;
                   },
                   [=](const DoubleArrays& x, const Doubles& g) {
                     DoubleArrays result{like(g), like(g)};
                     reference::multiply(count(g), g.data(), x[1].data(), result[0].data());
                     reference::multiply(count(g), g.data(), x[0].data(), result[1].data());
                     return result;
                   }});
  cases.push_back(elementwise_case(
      "sum" + suffix, shape, [](const Tensor& x) { return sum(x); },
      [](const Doubles& x) { return Doubles{reference::sum(count(x), x.data())}; },
      [](const Doubles& x, const Doubles& g) { return Doubles(x.size(), g[0]); }));
  cases.push_back(elementwise_case(
      "mean" + suffix, shape, [](const Tensor& x) { return mean(x); },
      [](const Doubles& x) {
        return Doubles{reference::sum(count(x), x.data()) / static_cast<double>(x.size())};
      },
      [](const Doubles& x, const Doubles& g) {
        return Doubles(x.size(), g[0] / static_cast<double>(x.size()));
      }));
  cases.push_back(elementwise_case(
      "reshape" + suffix, shape, [](const Tensor& x) { return reshape(x, {x.size()}); },
      [](const Doubles& x) { return x; }, [](const Doubles&, const Doubles& g) { return g; }));
}

OpCase flatten_case(int64_t batch, int64_t height, int64_t width, int64_t channels) {
  const int64_t pixels = height * width;
  const auto transposed = [=](const Doubles& x, int64_t rows, int64_t columns) {
    Doubles y(x.size());
    for (int64_t n = 0; n < batch; ++n) {
      const double* none = nullptr;
      reference::transpose_add(rows, columns, x.data() + n * rows * columns, none,
                               y.data() + n * rows * columns);
    }
    return y;
  };
  return {"flatten " + std::to_string(height) + "×" + std::to_string(width) + "×" +
              std::to_string(channels),
          {normal({batch, height, width, channels}, 13)},
          [](const std::vector<Tensor>& x) { return flatten(x[0]); },
          [=](const DoubleArrays& x) { return transposed(x[0], pixels, channels); },
          [=](const DoubleArrays&, const Doubles& g) {
            return DoubleArrays{transposed(g, channels, pixels)};
          }};
}

OpCase cross_entropy_case(int64_t rows, int64_t classes, double smoothing = 0) {
  std::vector<int32_t> chosen;
  for (int64_t r = 0; r < rows; ++r) chosen.push_back(static_cast<int32_t>((r * 7 + 1) % classes));
  const Labels labels{std::span<const int32_t>(chosen)};
  return {"cross_entropy " + std::to_string(rows) + "×" + std::to_string(classes) + " smoothing " +
              std::to_string(smoothing),
          {normal({rows, classes}, 14)},
          [=](const std::vector<Tensor>& x) {
            return cross_entropy(x[0], labels, {.label_smoothing = smoothing});
          },
          [=](const DoubleArrays& x) {
            Doubles p(x[0].size());
            return Doubles{reference::cross_entropy(rows, classes, smoothing, x[0].data(),
                                                    labels.data(), p.data())};
          },
          [=](const DoubleArrays& x, const Doubles& g) {
            Doubles p(x[0].size()), gx(x[0].size());
            reference::cross_entropy(rows, classes, smoothing, x[0].data(), labels.data(),
                                     p.data());
            reference::cross_entropy_gradient(rows, classes, smoothing, p.data(), labels.data(),
                                              g[0], gx.data());
            return DoubleArrays{gx};
          }};
}

/// The teacher is no input: no gradient reaches it.
OpCase distillation_case(int64_t rows, int64_t classes, const DistillationOptions& options) {
  std::vector<int32_t> chosen;
  for (int64_t r = 0; r < rows; ++r) chosen.push_back(static_cast<int32_t>((r * 5 + 2) % classes));
  const Labels labels{std::span<const int32_t>(chosen)};
  const Tensor teacher = normal({rows, classes}, 16);
  const Doubles answers(teacher.values().begin(), teacher.values().end());
  const double t = options.temperature, w = options.weight, s = options.label_smoothing;
  return {
      "distillation_loss " + std::to_string(rows) + "×" + std::to_string(classes) +
          " temperature " + std::to_string(t) + " weight " + std::to_string(w),
      {normal({rows, classes}, 15)},
      [=](const std::vector<Tensor>& x) {
        return distillation_loss(x[0], teacher, labels, options);
      },
      [=](const DoubleArrays& x) {
        Doubles p(x[0].size()), d(x[0].size());
        const double hard =
            reference::cross_entropy(rows, classes, s, x[0].data(), labels.data(), p.data());
        return Doubles{(1 - w) * hard + w * reference::distillation(rows, classes, t, x[0].data(),
                                                                    answers.data(), d.data())};
      },
      [=](const DoubleArrays& x, const Doubles& g) {
        Doubles p(x[0].size()), d(x[0].size()), gx(x[0].size());
        reference::cross_entropy(rows, classes, s, x[0].data(), labels.data(), p.data());
        reference::distillation(rows, classes, t, x[0].data(), answers.data(), d.data());
        reference::cross_entropy_gradient(rows, classes, s, p.data(), labels.data(), (1 - w) * g[0],
                                          gx.data());
        reference::add_distillation_gradient(rows, classes, t, d.data(), w * g[0], gx.data());
        return DoubleArrays{gx};
      }};
}

}  // namespace

std::vector<OpCase> op_cases() {
  std::vector<OpCase> cases = {
      linear_case(1, 1, 1, true), linear_case(3, 5, 7, false), linear_case(13, 37, 11, true),
      linear_case(2, 33, 65, true),
      // batch, height, width, channels; out, kernel height and width; stride, padding, dilation,
      // groups
      conv_case({1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1}, true),
      conv_case({3, 7, 6, 1, 5, 3, 3, 1, 0, 1, 1}, true),
      conv_case({3, 6, 9, 1, 4, 3, 4, 1, 2, 1, 1}, true),
      conv_case({2, 9, 20, 1, 3, 2, 3, 1, 1, 3, 1}, true),
      conv_case({2, 5, 7, 1, 3, 3, 3, 2, 1, 1, 1}, false),
      conv_case({1, 2, 3, 1, 2, 2, 3, 1, 5, 1, 1}, false),
      conv_case({2, 9, 8, 3, 4, 5, 5, 1, 2, 1, 1}, false),
      conv_case({2, 8, 11, 5, 7, 3, 2, 2, 1, 1, 1}, true),
      conv_case({2, 9, 9, 4, 6, 3, 3, 1, 2, 2, 1}, true),
      conv_case({1, 11, 10, 2, 3, 3, 3, 3, 2, 3, 1}, false),
      conv_case({2, 7, 7, 6, 9, 3, 3, 1, 1, 1, 3}, true),
      conv_case({2, 6, 9, 5, 5, 3, 3, 2, 1, 1, 5}, true),
      conv_case({2, 6, 5, 8, 12, 3, 2, 2, 1, 1, 4}, false),
      conv_case({1, 5, 6, 3, 6, 3, 3, 1, 1, 1, 3}, true),
      conv_case({2, 7, 6, 21, 21, 3, 3, 1, 1, 1, 21}, true),
      conv_case({1, 7, 12, 13, 13, 3, 3, 2, 1, 1, 13}, true),
      conv_case({1, 5, 9, 13, 13, 5, 5, 1, 2, 1, 13}, false),
      conv_case({1, 5, 12, 6, 6, 5, 5, 2, 2, 1, 6}, false),
      conv_case({2, 8, 7, 8, 8, 3, 3, 1, 0, 2, 8}, false),
      conv_case({1, 4, 5, 4, 4, 2, 5, 1, 3, 1, 4}, true),
      conv_case({1, 3, 3, 3, 3, 3, 3, 1, 4, 1, 3}, false),
      conv_case({5, 6, 6, 17, 19, 1, 1, 1, 0, 1, 1}, true),
      conv_case({3, 5, 5, 16, 32, 3, 3, 1, 1, 1, 1}, true), pool_case({2, 4, 6, 5}, {2, 2, 0}),
      pool_case({1, 1, 1, 1}, {1, 1, 0}), pool_case({2, 7, 5, 3}, {2, 2, 0}),
      pool_case({2, 6, 4, 20}, {2, 2, 0}), pool_case({1, 4, 4, 16}, {2, 2, 0}),
      pool_case({3, 2, 2, 50}, {2, 2, 0}), pool_case({3, 8, 9, 67}, {3, 2, 1}),
      pool_case({2, 9, 7, 4}, {3, 1, 0}), pool_case({1, 10, 10, 2}, {2, 3, 1}),
      flatten_case(2, 3, 5, 7), flatten_case(3, 1, 1, 4), flatten_case(1, 4, 4, 17),
      cross_entropy_case(1, 2), cross_entropy_case(9, 10), cross_entropy_case(70, 3),
      cross_entropy_case(5, 7, 0.1), cross_entropy_case(3, 2, 1.0), distillation_case(1, 2, {}),
      distillation_case(7, 10, {.temperature = 4, .weight = 0.9}),
      distillation_case(67, 3, {.temperature = 0.5, .weight = 1}),
      distillation_case(3, 11, {.temperature = 2, .weight = 0.3, .label_smoothing = 0.1})};
  add_elementwise_cases(cases, {5});
  add_elementwise_cases(cases, {3, 23});
  add_elementwise_cases(cases, {2, 3, 5, 9});
  for (OpCase& c : convnet_op_cases()) cases.push_back(std::move(c));
  add_activation_cases(cases);
  return cases;
}

}  // namespace espalier::test
