#pragma once

#include <map>
#include <string>
#include <vector>

#include "espalier/autograd/tensor.h"

namespace espalier::nn {

/// A file of named float32 tensors in the safetensors format: eight bytes with the length of a JSON
/// header (little-endian), the header with each tensor's type, shape and byte range, then the
/// values.
struct Safetensors {
  std::vector<std::pair<std::string, Tensor>> tensors;  ///< in file order
  std::map<std::string, std::string> metadata;
};

/// Writes the file in one go: a reader sees the old file or the whole new one. Equal content gives
/// equal bytes. \throws Error naming the path
void write_safetensors(const std::string& path, const Safetensors& content);

/// Values of half and double precision and bfloat16 (`F16`, `F64`, `BF16`) become float32.
/// PyTorch's counts of batches (`….num_batches_tracked`, int64), which nothing here needs, are left
/// out. \throws Error naming the path and what is wrong with the file
Safetensors read_safetensors(const std::string& path);

}  // namespace espalier::nn
