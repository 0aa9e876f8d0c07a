#include "espalier/compress/worked/quantizer_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/nn/layers/linear.h"

namespace espalier::compress::worked {

void require_numbers(const char* algorithm, const std::vector<float>& numbers, size_t least) {
  constexpr size_t most = 16;
  if (numbers.size() < least || numbers.size() > most) {
    throw Error(algorithm, fmt::format("works on {} to {} numbers here, as many as can be followed "
                                       "by hand, not on {}",
                                       least, most, numbers.size()));
  }
  if (!std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); }))
    throw Error(algorithm, "needs numbers that are finite");
}

int64_t channels_of(const std::vector<float>& weights) {
  return weights.size() % 2 == 0 ? 2 : 1;
}

nn::Sequential layer_of(const Tensor& weights) {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = weights.shape()[1], .out = weights.shape()[0], .bias = false}));
  net.parameters()[0].parameter->load(weights);
  return net;
}

Rules rule_of(const char* algorithm, const char* layer, std::initializer_list<Member> options) {
  Value map = Value::map(options);
  map.set("support_op", layer);
  return Rules::from(map, algorithm);
}

std::vector<double> values_of(const Tensor& x) {
  return {x.values().begin(), x.values().end()};
}

double squared_error(const std::vector<double>& x, const std::vector<double>& q) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += (x[i] - q[i]) * (x[i] - q[i]);
  return sum;
}

std::string bracketed(double value) {
  return value < 0 ? "(" + number(value) + ")" : number(value);
}

}  // namespace espalier::compress::worked
