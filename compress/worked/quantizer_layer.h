#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/autograd/tensor.h"
#include "espalier/compress/config/rules.h"
#include "espalier/nn/layers/sequential.h"

/// What the worked examples of quantizers share beside by_hand.h.
namespace espalier::compress::worked {

/// \throws Error naming the algorithm unless there are `least` to 16 finite numbers
void require_numbers(const char* algorithm, const std::vector<float>& numbers, size_t least);
/// Into how many output channels an example divides weights: two, or one where their number is odd.
int64_t channels_of(const std::vector<float>& weights);
/// A network of one Linear layer, `fc` without bias, that has these weights, row by row.
nn::Sequential layer_of(const Tensor& weights);
/// One rule for a layer of this name.
Rules rule_of(const char* algorithm, const char* layer, std::initializer_list<Member> options);

/// The elements of a tensor.
std::vector<double> values_of(const Tensor& x);
/// What a function makes of each number.
template <class Function>
std::vector<double> each(std::vector<double> values, Function&& function) {
  for (double& value : values) value = function(value);
  return values;
}
/// Σ (x − q)².
double squared_error(const std::vector<double>& x, const std::vector<double>& q);
/// A number to the right of a sign: a negative one in brackets.
std::string bracketed(double value);

}  // namespace espalier::compress::worked
