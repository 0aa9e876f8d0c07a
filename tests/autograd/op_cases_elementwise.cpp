// The cases of activations, softmax, dropout and the mean squared error.
#include "autograd/op_cases.h"
#include "espalier/autograd/backend/reference/activations.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

namespace espalier::test {
namespace {

namespace reference = backend::reference;
using Doubles = std::vector<double>;

int64_t count(const Doubles& values) {
  return static_cast<int64_t>(values.size());
}

/// Values from −8 to 8 or so, none within 0.01 of a kink of any of the activations.
Tensor values_for(const Shape& shape, uint64_t seed) {
  const Tensor x = normal(shape, seed);
  return Tensor::generate(shape, [&](int64_t i) {
    const float value = 2.5f * x[i];
    for (float kink : {-3.0f, 0.0f, 3.0f, 6.0f}) {
      if (std::abs(value - kink) < 0.01f) return kink + 0.02f;
    }
    return value;
  });
}

/// y from x, and the gradient of x from x, y and that of y.
using Forward = std::function<void(int64_t, const double* x, double* y)>;
using Gradient =
    std::function<void(int64_t, const double* x, const double* y, const double* g, double* gx)>;

OpCase case_of(std::string name, const Tensor& input,
               std::function<Tensor(const Tensor&)> operation, Forward forward, Gradient gradient) {
  const auto result = [=](const Doubles& x) {
    Doubles y(x.size());
    forward(count(x), x.data(), y.data());
    return y;
  };
  return {name + " " + input.shape().to_string(),
          {input},
          [=](const std::vector<Tensor>& x) { return operation(x[0]); },
          [=](const DoubleArrays& x) { return result(x[0]); },
          [=](const DoubleArrays& x, const Doubles& g) {
            const Doubles y = result(x[0]);
            Doubles gx(g.size());
            gradient(count(g), x[0].data(), y.data(), g.data(), gx.data());
            return DoubleArrays{gx};
          }};
}

/// Definitions whose gradient is computed from the input, and from the result.
using OfInput = void (*)(int64_t, const double*, const double*, double*);
Gradient from_input(OfInput slope) {
  return [=](int64_t n, const double* x, const double*, const double* g, double* gx) {
    slope(n, x, g, gx);
  };
}
Gradient from_result(OfInput slope) {
  return [=](int64_t n, const double*, const double* y, const double* g, double* gx) {
    slope(n, y, g, gx);
  };
}

void add_pointwise_cases(std::vector<OpCase>& cases, const Shape& shape) {
  const Tensor x = values_for(shape, 21);
  cases.push_back(case_of("relu6", x, relu6, reference::relu6<double>,
                          from_result(reference::relu6_gradient<double>)));
  cases.push_back(case_of("sigmoid", x, sigmoid, reference::sigmoid<double>,
                          from_result(reference::sigmoid_gradient<double>)));
  cases.push_back(case_of("tanh", x, espalier::tanh, reference::tanh<double>,
                          from_result(reference::tanh_gradient<double>)));
  cases.push_back(case_of("gelu", x, gelu, reference::gelu<double>,
                          from_input(reference::gelu_gradient<double>)));
  cases.push_back(case_of("hardswish", x, hardswish, reference::hardswish<double>,
                          from_input(reference::hardswish_gradient<double>)));
  for (float slope : {0.25f, -0.5f}) {
    cases.push_back(case_of(
        "leaky_relu " + std::to_string(slope), x,
        [=](const Tensor& at) { return leaky_relu(at, slope); },
        [=](int64_t n, const double* at, double* y) {
          reference::leaky_relu(n, double{slope}, at, y);
        },
        [=](int64_t n, const double* at, const double*, const double* g, double* gx) {
          reference::leaky_relu_gradient(n, double{slope}, at, g, gx);
        }));
  }
  const RandomStream random(3, Purpose::dropout, 1, 2);
  const backend::DropoutPattern pattern{{random.key()[0], random.key()[1]},
                                        {random.stream()[0], random.stream()[1]},
                                        static_cast<int32_t>(0.25 * 0x1p24),
                                        1 / 0.75f};
  cases.push_back(case_of(
      "dropout", x, [=](const Tensor& at) { return dropout(at, 0.25, random); },
      [=](int64_t n, const double* at, double* y) { reference::dropout(n, 0, pattern, at, y); },
      [=](int64_t n, const double*, const double*, const double* g, double* gx) {
        reference::dropout(n, 0, pattern, g, gx);
      }));

  const auto error = [](const DoubleArrays& at) {
    return Doubles{reference::squared_distance(count(at[0]), at[0].data(), at[1].data()) /
                   static_cast<double>(at[0].size())};
  };
  cases.push_back({"mse_loss " + shape.to_string(),
                   {normal(shape, 22), normal(shape, 23)},
                   [](const std::vector<Tensor>& at) { return mse_loss(at[0], at[1]); },
                   error,
                   [](const DoubleArrays& at, const Doubles& g) {
                     DoubleArrays result{Doubles(at[0].size()), Doubles(at[0].size())};
                     const double factor = 2 * g[0] / static_cast<double>(at[0].size());
                     for (size_t input : {0, 1}) {
                       reference::scaled_difference(count(at[0]), input == 0 ? factor : -factor,
                                                    at[0].data(), at[1].data(),
                                                    result[input].data());
                     }
                     return result;
                   }});
}

void add_row_cases(std::vector<OpCase>& cases, int64_t rows, int64_t columns) {
  const Tensor x = values_for({rows, columns}, 24);
  const auto along_rows = [=](auto function) {
    return [=](int64_t, const double* at, double* y) { function(rows, columns, at, y); };
  };
  const auto gradient = [=](auto function) {
    return [=](int64_t, const double*, const double* y, const double* g, double* gx) {
      function(rows, columns, y, g, gx);
    };
  };
  cases.push_back(case_of("softmax", x, softmax, along_rows(reference::softmax<double>),
                          gradient(reference::softmax_gradient<double>)));
  cases.push_back(case_of("log_softmax", x, log_softmax, along_rows(reference::log_softmax<double>),
                          gradient(reference::log_softmax_gradient<double>)));
}

}  // namespace

void add_activation_cases(std::vector<OpCase>& cases) {
  add_pointwise_cases(cases, {5});
  add_pointwise_cases(cases, {3, 67});
  add_pointwise_cases(cases, {2, 3, 5, 9});
  add_row_cases(cases, 1, 2);
  add_row_cases(cases, 9, 10);
  add_row_cases(cases, 3, 16);
  add_row_cases(cases, 70, 37);
}

}  // namespace espalier::test
