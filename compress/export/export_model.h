#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/compress/export/describe.h"

namespace espalier::compress {

/// Writes a network as a `.esp` file (docs/file-format.md), which `runtime::load` reads: what it
/// computes at this moment, see `describe`. The file tests itself: it holds what the network
/// answers to a picture that is made from a number.
///
///     compress::export_model(net, "lenet5.esp", {.sample = {28, 28, 1}});
///
/// \throws Error naming the layer for what cannot be exported, and the path if it cannot be written
void export_model(nn::Module& model, const std::string& path, const DescribeOptions& options);

/// The same for a network that is described already.
void export_network(const file::Network& network, const std::string& path);

/// The bytes of that file, with biases as `round_biases` leaves them. The runtime has loaded them
/// and passed their self-test.
std::vector<uint8_t> exported_bytes(file::Network network);

}  // namespace espalier::compress
