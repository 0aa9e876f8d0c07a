#include "espalier/compress/export/verify.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "espalier/compress/file/loaded.h"
#include "espalier/compress/file/write.h"

namespace espalier::compress {
namespace {

using file::Contents;

const char* name_of(const file::What& what) {
  struct Names {
    const char* operator()(const file::Convolution&) const { return "convolution"; }
    const char* operator()(const file::Linear&) const { return "linear"; }
    const char* operator()(const file::MaxPool&) const { return "max pool"; }
    const char* operator()(const file::AveragePool&) const { return "average pool"; }
    const char* operator()(const file::GlobalAveragePool&) const { return "global average"; }
    const char* operator()(const file::Add&) const { return "add"; }
    const char* operator()(const file::Concat&) const { return "concat"; }
    const char* operator()(const file::Flatten&) const { return "flatten"; }
    const char* operator()(const file::Reshape&) const { return "reshape"; }
    const char* operator()(const file::Activation&) const { return "activation"; }
    const char* operator()(const file::Convert&) const { return "convert"; }
  };
  return std::visit(Names(), what);
}

/// The network whose result is this value: what else it computes is left out.
file::Network up_to(const file::Network& whole, int value) {
  std::vector<bool> wanted(whole.values.size());
  wanted[static_cast<size_t>(value)] = true;
  wanted[0] = true;
  for (auto operation = whole.operations.rbegin(); operation != whole.operations.rend();
       ++operation) {
    if (!wanted[static_cast<size_t>(operation->output)]) continue;
    for (const int input : operation->inputs) wanted[static_cast<size_t>(input)] = true;
  }
  file::Network part;
  part.normalisation = whole.normalisation;
  std::vector<int> number(whole.values.size(), -1);
  const auto add_value = [&](int of_whole) {
    number[static_cast<size_t>(of_whole)] = static_cast<int>(part.values.size());
    part.values.push_back(whole.values[static_cast<size_t>(of_whole)]);
  };
  add_value(0);
  for (const file::Operation& operation : whole.operations) {
    if (!wanted[static_cast<size_t>(operation.output)]) continue;
    file::Operation copy = operation;
    for (int& input : copy.inputs) input = number[static_cast<size_t>(input)];
    add_value(operation.output);
    copy.output = number[static_cast<size_t>(operation.output)];
    part.operations.push_back(std::move(copy));
  }
  return part;
}

/// What the runtime computes as the network's result, for each picture.
std::vector<Contents> results_of(const file::Network& network,
                                 const std::vector<std::vector<uint8_t>>& pictures) {
  const runtime::Model model = file::loaded(file::encode(network));
  std::vector<char> arena(model.arena_bytes(1));
  const auto size = static_cast<size_t>(model.output_size());
  std::vector<int8_t> codes(size);
  std::vector<float> numbers(size);
  std::vector<Contents> results;
  for (const std::vector<uint8_t>& pixels : pictures) {
    if (model.output_has_codes()) {
      file::require(model.run(pixels.data(), 1, codes.data(), arena.data(), arena.size()));
      results.push_back({{codes.begin(), codes.end()}, {}});
    } else {
      file::require(model.run(pixels.data(), 1, numbers.data(), arena.data(), arena.size()));
      results.push_back({{}, {numbers.begin(), numbers.end()}});
    }
  }
  return results;
}

void compare(const Contents& runtime, const Contents& reference, OperationCheck& check) {
  check.compared += static_cast<int64_t>(reference.codes.size() + reference.numbers.size());
  for (size_t i = 0; i < reference.codes.size(); ++i) {
    if (runtime.codes[i] != reference.codes[i]) ++check.different;
  }
  double largest = 1e-30, difference = 0;
  for (size_t i = 0; i < reference.numbers.size(); ++i) {
    largest = std::max(largest, std::abs(reference.numbers[i]));
    const double distance = std::abs(runtime.numbers[i] - reference.numbers[i]);
    // What is no number is as far away as can be.
    difference = std::max(difference, std::isnan(distance) ? HUGE_VAL : distance);
  }
  check.largest_difference = std::max(check.largest_difference, difference / largest);
}

}  // namespace

std::vector<PictureValues> runtime_values(const file::Network& network,
                                          const std::vector<std::vector<uint8_t>>& pictures) {
  const file::Reference reference(network);
  std::vector<PictureValues> values(pictures.size());
  for (size_t i = 0; i < pictures.size(); ++i) {
    values[i].resize(network.values.size());
    values[i][0] = reference.of_pixels(pictures[i]);
  }
  for (const file::Operation& operation : network.operations) {
    std::vector<Contents> results = results_of(up_to(network, operation.output), pictures);
    for (size_t i = 0; i < pictures.size(); ++i)
      values[i][static_cast<size_t>(operation.output)] = std::move(results[i]);
  }
  return values;
}

std::vector<OperationCheck> verify(const file::Network& network,
                                   const std::vector<PictureValues>& values,
                                   const std::function<void(const OperationCheck&)>& progress) {
  const file::Reference reference(network);
  std::vector<OperationCheck> checks;
  for (const file::Operation& operation : network.operations) {
    const auto output = static_cast<size_t>(operation.output);
    OperationCheck check{name_of(operation.what), operation.layer,
                         network.values[output].has_codes()};
    for (const PictureValues& picture : values)
      compare(picture[output], reference.result_of(operation, picture), check);
    if (progress) progress(check);
    checks.push_back(std::move(check));
  }
  return checks;
}

}  // namespace espalier::compress
