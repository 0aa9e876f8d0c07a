#pragma once

#include <vector>

#include "espalier/compress/file/reference.h"

/// What a network computes by the naive evaluator, as plain numbers.
namespace naive {

namespace file = espalier::compress::file;

/// The result for one sample, of size H·W·C: codes as they are, or floats in double.
/// `input`: in place of pixel/255.
inline std::vector<double> output(const file::Network& network, const std::vector<double>& input) {
  const file::Reference reference(network);
  const file::Contents result = reference.all_values(reference.of_numbers(input)).back();
  if (!network.values.back().has_codes()) return result.numbers;
  return {result.codes.begin(), result.codes.end()};
}

/// scale·(code − zero point) of codes; floats as they are.
inline std::vector<double> meaning(const file::Value& value, const std::vector<double>& numbers) {
  if (!value.has_codes()) return numbers;
  std::vector<double> meanings;
  for (const double code : numbers)
    meanings.push_back(double{value.grid->scale} * (code - value.grid->zero_point));
  return meanings;
}

}  // namespace naive
