// The cases of operations that convolutional networks need beside convolution.
#include <cmath>

#include "autograd/op_cases.h"
#include "espalier/autograd/backend/reference/channel_kernels.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

namespace espalier::test {
namespace {

namespace reference = backend::reference;
using Doubles = std::vector<double>;

/// The definition of batch normalisation with ReLU and residual, in double precision.
struct BatchNormDefinition {
  int64_t rows, channels;
  bool training, relu, with_residual;
  double epsilon;
  Doubles running_mean, running_variance;

  struct Constants {
    Doubles center, factor, offset, inverse;
    reference::Map<double> map() const { return {center.data(), factor.data(), offset.data()}; }
  };
  Constants constants(const DoubleArrays& x) const {
    const size_t n = static_cast<size_t>(channels);
    Doubles mean = running_mean, variance = running_variance;
    if (training) {
      reference::moments(rows, channels, x[0].data(), mean.data(), variance.data());
      for (double& v : variance) v /= static_cast<double>(rows);
    }
    Constants c{mean, Doubles(n), x[2], Doubles(n)};
    for (size_t i = 0; i < n; ++i) {
      c.inverse[i] = 1 / std::sqrt(variance[i] + epsilon);
      c.factor[i] = x[1][i] * c.inverse[i];
    }
    return c;
  }
  const double* residual(const DoubleArrays& x) const {
    return with_residual ? x[3].data() : nullptr;
  }
  Doubles forward(const DoubleArrays& x) const {
    Doubles y(x[0].size());
    reference::normalise(rows, channels, constants(x).map(), relu, x[0].data(), residual(x),
                         y.data());
    return y;
  }
  DoubleArrays backward(const DoubleArrays& x, const Doubles& g) const {
    const size_t n = static_cast<size_t>(channels);
    const Constants c = constants(x);
    const Doubles y = forward(x);
    Doubles h(g.size()), sums(n), products(n), slope(n), constant(n), gx(g.size());
    reference::normalise_sums(rows, channels, c.map(), relu, x[0].data(), y.data(), g.data(),
                              h.data(), sums.data(), products.data());
    for (size_t i = 0; i < n; ++i) {
      products[i] *= c.inverse[i];
      const double share = training ? 1.0 / static_cast<double>(rows) : 0.0;
      slope[i] = -c.factor[i] * c.inverse[i] * products[i] * share;
      constant[i] = -c.factor[i] * sums[i] * share;
    }
    reference::normalise_gradient(rows, channels, c.map(), false, slope.data(), constant.data(),
                                  x[0].data(), h.data(), gx.data());
    DoubleArrays result{gx, products, sums};
    if (with_residual) result.push_back(h);
    return result;
  }
};

OpCase batch_norm_case(const Shape& shape, bool training, bool relu, bool with_residual) {
  const int64_t channels = shape[shape.axes() - 1];
  const Tensor running_mean = normal({channels}, 31);
  const Tensor running_variance = Tensor::generate(
      {channels}, [](int64_t i) { return 0.5f + 0.25f * static_cast<float>(i % 5); });
  const double epsilon = 1e-3;
  const BatchNormDefinition definition{shape.elements() / channels,
                                       channels,
                                       training,
                                       relu,
                                       with_residual,
                                       epsilon,
                                       doubles(running_mean),
                                       doubles(running_variance)};
  OpCase c{"batch_norm " + shape.to_string() + (training ? " training" : " evaluation") +
               (with_residual ? " + residual" : "") + (relu ? " relu" : ""),
           {normal(shape, 32), normal({channels}, 33), normal({channels}, 34)},
           [=](const std::vector<Tensor>& x) {
             Tensor mean = running_mean, variance = running_variance;
             return batch_norm(x[0], x[1], x[2], mean, variance,
                               {.training = training,
                                .epsilon = epsilon,
                                .residual = with_residual ? x[3] : Tensor(),
                                .relu = relu});
           },
           [=](const DoubleArrays& x) { return definition.forward(x); },
           [=](const DoubleArrays& x, const Doubles& g) { return definition.backward(x, g); }};
  if (with_residual) c.inputs.push_back(normal(shape, 35));
  return c;
}

OpCase average_case(std::string name, const Shape& input, const backend::Windows& w,
                    std::function<Tensor(const Tensor&)> operation) {
  const int64_t batch = input[0];
  return {std::move(name),
          {normal(input, 36)},
          [=](const std::vector<Tensor>& x) { return operation(x[0]); },
          [=](const DoubleArrays& x) {
            Doubles y(static_cast<size_t>(batch * w.out_height * w.out_width * w.channels));
            reference::average_pool(w, batch, x[0].data(), y.data());
            return y;
          },
          [=](const DoubleArrays& x, const Doubles& g) {
            DoubleArrays result{Doubles(x[0].size())};
            reference::average_pool_gradient(w, batch, g.data(), result[0].data());
            return result;
          }};
}

OpCase avg_pool_case(const Shape& input, const AvgPool2dOptions& o) {
  const auto extent = [&](int64_t in) { return (in + 2 * o.padding - o.kernel) / o.stride + 1; };
  return average_case("avg_pool2d " + input.to_string() + " kernel " + std::to_string(o.kernel) +
                          " stride " + std::to_string(o.stride) + " padding " +
                          std::to_string(o.padding),
                      input,
                      {input[1], input[2], input[3], o.kernel, o.kernel, o.stride, o.padding, 1,
                       extent(input[1]), extent(input[2])},
                      [=](const Tensor& x) { return avg_pool2d(x, o); });
}

OpCase global_pool_case(const Shape& input) {
  return average_case("global_avg_pool2d " + input.to_string(), input,
                      {input[1], input[2], input[3], input[1], input[2], 1, 0, 1, 1, 1},
                      [](const Tensor& x) { return global_avg_pool2d(x); });
}

OpCase concat_case(const Shape& outer, std::vector<int64_t> channels) {
  const int64_t rows = outer.elements();
  OpCase c{"concat of " + std::to_string(channels.size()) + " behind " + outer.to_string(),
           {},
           [](const std::vector<Tensor>& x) { return concat(x); },
           [=](const DoubleArrays& x) {
             Doubles y;
             for (int64_t r = 0; r < rows; ++r) {
               for (size_t i = 0; i < x.size(); ++i) {
                 const auto row = x[i].begin() + r * channels[i];
                 y.insert(y.end(), row, row + channels[i]);
               }
             }
             return y;
           },
           [=](const DoubleArrays& x, const Doubles& g) {
             DoubleArrays result(x.size());
             auto from = g.begin();
             for (int64_t r = 0; r < rows; ++r) {
               for (size_t i = 0; i < x.size(); ++i, from += channels[i - 1])
                 result[i].insert(result[i].end(), from, from + channels[i]);
             }
             return result;
           }};
  for (int64_t own : channels) {
    std::vector<int64_t> extents(outer.begin(), outer.end());
    extents.push_back(own);
    c.inputs.push_back(normal(Shape(std::span<const int64_t>(extents)),
                              40 + static_cast<uint64_t>(c.inputs.size())));
  }
  return c;
}

}  // namespace

std::vector<OpCase> convnet_op_cases() {
  std::vector<OpCase> cases;
  // One and few channels, a vector's width, more than that, and many rows for several chunks.
  for (const Shape& shape : {Shape{2, 1}, Shape{5, 3}, Shape{2, 3, 4, 1}, Shape{3, 5, 3, 7},
                             Shape{2, 3, 3, 16}, Shape{2, 2, 3, 37}, Shape{3, 11, 13, 3}}) {
    for (bool training : {true, false}) {
      for (bool relu : {true, false}) {
        for (bool residual : {true, false})
          cases.push_back(batch_norm_case(shape, training, relu, residual));
      }
    }
  }
  cases.push_back(avg_pool_case({2, 6, 4, 3}, {.kernel = 2, .stride = 2}));
  cases.push_back(avg_pool_case({1, 7, 5, 17}, {.kernel = 3, .stride = 2, .padding = 1}));
  cases.push_back(avg_pool_case({3, 5, 6, 8}, {.kernel = 3, .stride = 1}));
  cases.push_back(global_pool_case({3, 5, 4, 7}));
  cases.push_back(global_pool_case({2, 8, 8, 33}));
  cases.push_back(global_pool_case({2, 1, 1, 2}));
  cases.push_back(concat_case({2, 3, 5}, {1, 4, 16}));
  cases.push_back(concat_case({3}, {2}));
  return cases;
}

}  // namespace espalier::test
