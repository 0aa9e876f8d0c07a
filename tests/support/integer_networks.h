#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "support/network_builder.h"

/// Networks on codes that between them have every operation with every option.
namespace espalier::test {

using NamedNetwork = std::pair<std::string, file::Network>;

/// LeNet-5 with weights of 8 bits of which a fraction is 0.
inline file::Network lenet5(double sparsity, int largest_weight = 127) {
  NetworkBuilder b({28, 28, 1}, 5);
  b.network.normalisation = {{0.1307f}, {0.3081f}};
  const WeightSpec w{.sparsity = sparsity, .lowest = -largest_weight, .highest = largest_weight};
  const auto relu = file::Clamp::relu;
  int x = b.convolution(0, {.outputs = 20, .kernel = 5, .clamp = relu, .weight = w});
  x = b.max_pool(x, 2, 2);
  x = b.convolution(x, {.outputs = 50, .kernel = 5, .clamp = relu, .weight = w});
  x = b.linear(b.flatten(b.max_pool(x, 2, 2)), 500, w, relu);
  b.linear(x, 10, w);
  return b.network;
}

/// Convolutions with everything they can be given.
inline file::Network convolutions() {
  NetworkBuilder b({11, 9, 3}, 11);
  b.network.normalisation = {{0.4f, 0.5f, 0.6f}, {0.2f, 0.25f, 0.3f}};
  int x = b.convolution(0, {.outputs = 8, .padding = 1, .clamp = file::Clamp::relu6});
  x = b.convolution(
      x, {.outputs = 8, .padding = 2, .dilation = 2, .groups = 8, .weight = {.per_channel = true}});
  x = b.convolution(x, {.outputs = 12, .stride = 2, .padding = 3, .groups = 4});
  x = b.convolution(x, {.outputs = 16, .kernel = 1, .weight = {.lowest = -200, .highest = 55}});
  x = b.convolution(x, {.outputs = 6, .padding = 1, .clamp = file::Clamp::relu});
  x = b.convolution(x, {.outputs = 5,
                        .kernel = 2,
                        .kernel_width = 5,
                        .padding = 1,
                        .weight = {.sparsity = 0.9, .per_channel = true, .bias = false}});
  b.linear(b.flatten(x), 7, {.lowest = -250, .highest = 250});
  return b.network;
}

/// Weights of 1 to 9 bits, dense and sparse, convolutions and linear layers.
inline file::Network few_bits(unsigned seed) {
  NetworkBuilder b({6, 6, 2}, seed);
  b.network.normalisation = {{0.5f}, {}};
  int x = 0;
  const std::pair<int, int> ranges[] = {{-1, 1}, {-3, 3}, {-2, 1}, {-7, 7}, {-31, 31}, {-255, 255}};
  for (const auto& [low, high] : ranges) {
    const double sparsity = b.integer(0, 1) ? 0.85 : 0.0;
    const int step = b.integer(1, 2);
    x = b.convolution(
        x, {.outputs = 8,
            .padding = 1,
            .clamp = file::Clamp::relu,
            .weight = {.sparsity = sparsity, .lowest = low, .highest = high, .step = step}});
  }
  x = b.flatten(x);
  for (const auto& [low, high] : ranges) {
    const double sparsity = b.integer(0, 1) ? 0.9 : 0.0;
    x = b.linear(x, 20, {.sparsity = sparsity, .lowest = low, .highest = high}, file::Clamp::relu6);
  }
  return b.network;
}

/// Residual blocks, codes of 4 bits, means.
inline file::Network residual() {
  NetworkBuilder b({8, 8, 3}, 17);
  b.lowest_code = -8;
  b.highest_code = 7;
  const auto relu = file::Clamp::relu;
  int x = b.convolution(0, {.outputs = 8, .padding = 1, .clamp = relu});
  const int first = b.convolution(x, {.outputs = 8, .padding = 1, .clamp = relu});
  x = b.add_up(b.convolution(first, {.outputs = 8, .padding = 1}), x, relu);
  const int shortcut = b.convolution(x, {.outputs = 12, .kernel = 1, .stride = 2});
  x = b.convolution(x, {.outputs = 12, .stride = 2, .padding = 1, .weight = {.sparsity = 0.8}});
  x = b.add_up(shortcut, x, file::Clamp::relu6);
  x = b.add_up(x, x);
  b.linear(b.global_average_pool(x), 10);
  return b.network;
}

/// Branches that are put side by side, functions of elements, changes of shape and grid.
inline file::Network branches() {
  NetworkBuilder b({9, 9, 2}, 23);
  const int x = b.convolution(0, {.outputs = 4, .padding = 1});
  const int left = b.average_pool(x, 3, 2, 1);
  const int right = b.max_pool(x, 3, 2, 1);
  const int both = b.concat({left, b.activation(right), right});
  const int again = b.concat({both, b.convert(both), both}, true);
  const int flat = b.flatten(again);  // moved: a function follows
  const int shaped = b.reshape(b.activation(flat), {15, 12, 5});
  b.convert(b.reshape(b.linear(b.flatten(b.average_pool(shaped, 2, 1)), 12), {2, 2, 3}), 0.6f);
  return b.network;
}

/// One window after the other, of which those with padding cannot be computed in place.
inline file::Network pooling() {
  NetworkBuilder b({10, 11, 1}, 29);
  int x = b.convolution(0, {.outputs = 3, .padding = 1});
  x = b.max_pool(x, 3, 1, 1);
  x = b.average_pool(x, 3, 1, 1);
  x = b.average_pool(x, 2, 1);
  x = b.max_pool(x, 3, 2);
  b.average_pool(x, 2, 1, 1);
  return b.network;
}

/// Operations that cannot read pixels, straight behind the input; results that are only reshaped.
inline file::Network pixels_first(int which) {
  NetworkBuilder b({6, 4, 3}, 31 + static_cast<unsigned>(which));
  b.network.normalisation = {{0.4f, 0.5f, 0.4f}, {0.2f}};
  switch (which) {
    case 0:
      b.reshape(0, {72});
      break;
    case 1:
      b.linear(b.flatten(0), 5, {.sparsity = 0.8});  // a table per channel: needs codes
      break;
    case 2:
      b.reshape(b.max_pool(0, 2, 2), {18});
      break;
    case 3:
      b.network.normalisation = {};
      b.linear(b.flatten(0), 5, {.sparsity = 0.9});  // one table: columns reordered
      break;
    case 4:
      b.network.normalisation = {};
      b.linear(b.flatten(b.add_up(0, 0)), 5);
      break;
    case 5:
      b.network.normalisation = {};
      b.linear(b.reshape(0, {72}), 5);
      break;
    case 6:
      b.network.normalisation = {};
      b.linear(b.flatten(0), 5, {.lowest = -7, .highest = 7});
      break;
    default:
      b.concat({b.convolution(0, {.outputs = 2, .padding = 1}), 0, b.activation(0)});
  }
  return b.network;
}

/// Whatever comes, each operation on one of the last results.
inline file::Network anything(unsigned seed) {
  NetworkBuilder b({7, 8, static_cast<int64_t>(seed % 3 + 1)}, 1000 + seed);
  if (seed % 2) b.network.normalisation = {std::vector<float>(seed % 3 + 1, 0.3f), {0.5f}};
  for (int count = b.integer(3, 14); count > 0; --count) {
    const int newest = static_cast<int>(b.network.values.size()) - 1;
    int x = std::max(0, newest - b.integer(0, 2));
    const auto shape = b.shape(x);
    const bool vector = b.value(x).shape.size() == 1;
    const int largest = 1 << b.integer(1, 7);
    const WeightSpec w{.sparsity = b.integer(0, 2) * 0.45,
                       .lowest = -largest,
                       .highest = largest - 1,
                       .per_channel = b.integer(0, 1) == 1};
    const auto clamp = static_cast<file::Clamp>(b.integer(0, 2));
    const bool small = shape[0] < 3 || shape[1] < 3;
    switch (b.integer(0, 10)) {
      case 0:
      case 1:
        if (vector) x = b.reshape(x, {1, 1, shape[2]});
        b.convolution(x, {.outputs = shape[2] * b.integer(1, 2),
                          .kernel = small ? 1 : b.integer(1, 3),
                          .stride = b.integer(1, 2),
                          .padding = b.integer(0, 2),
                          .groups = b.integer(0, 1) ? static_cast<int>(shape[2]) : 1,
                          .clamp = clamp,
                          .weight = w});
        break;
      case 2:
        if (!vector) x = b.integer(0, 1) ? b.flatten(x) : b.reshape(x, {b.size(x)});
        b.linear(x, b.integer(4, 30), w, clamp);
        break;
      case 3:
        if (!small) b.max_pool(x, b.integer(2, 3), b.integer(1, 2), b.integer(0, 1));
        break;
      case 4:
        if (!small) b.average_pool(x, b.integer(2, 3), b.integer(1, 2), b.integer(0, 1));
        break;
      case 5:
        b.activation(x);
        break;
      case 6:
        b.convert(x);
        break;
      case 7: {
        const int other = b.integer(0, newest);
        b.add_up(x, b.value(other).shape == b.value(x).shape ? other : x, clamp);
        break;
      }
      case 8: {
        const int other = b.integer(0, newest);
        const bool fits = b.value(other).shape.size() == b.value(x).shape.size() &&
                          b.shape(other)[0] == shape[0] && b.shape(other)[1] == shape[1];
        if (shape[2] < 40) b.concat({x, fits ? other : x}, b.integer(0, 1) == 1);
        break;
      }
      case 9:
        if (!vector) b.flatten(x);
        break;
      default:
        b.reshape(x, {shape[1], shape[0], shape[2]});
    }
  }
  if (b.network.operations.empty()) b.convert(0);
  return b.network;
}

/// All of the above that are small.
inline std::vector<NamedNetwork> integer_networks() {
  std::vector<NamedNetwork> all{{"convolutions", convolutions()}, {"few_bits_a", few_bits(3)},
                                {"few_bits_b", few_bits(4)},      {"residual", residual()},
                                {"branches", branches()},         {"pooling", pooling()}};
  for (int which = 0; which <= 7; ++which) {
    all.emplace_back("pixels_first_" + std::to_string(which), pixels_first(which));
  }
  for (unsigned seed = 0; seed < 24; ++seed) {
    all.emplace_back("anything_" + std::to_string(seed), anything(seed));
  }
  return all;
}

}  // namespace espalier::test
