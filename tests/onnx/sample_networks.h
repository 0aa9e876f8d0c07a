#pragma once

#include <string>
#include <vector>

#include "espalier/compress/file/network.h"

/// Networks with random weights, to compare runtimes on.
namespace espalier::test {

struct SampleNetwork {
  std::string name;
  compress::file::Network network;
};

/// LeNet-300-100, LeNet-5, a VGG, a network of residual, grouped, depthwise and dilated
/// convolutions, one with every way to store weights, and one with everything else. In float32.
std::vector<SampleNetwork> sample_networks();

/// The same network with codes for all values but the last. Weights need codes already; the grids
/// are those of `samples` random inputs, and biases become multiples of their scales.
compress::file::Network with_codes(compress::file::Network network, int samples);

}  // namespace espalier::test
