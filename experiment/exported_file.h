#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/compress/runtime/runtime.h"

namespace espalier::experiment {

/// An exported network (`.esp`), loaded with the runtime, whose threads are those of the current
/// engine.
class ExportedFile {
 public:
  /// \throws Error naming the file when it cannot be read or is no network
  explicit ExportedFile(const std::string& path);
  /// The same of bytes in memory. \param name  what messages call it
  ExportedFile(std::vector<uint8_t> bytes, const std::string& name);

  const runtime::Model& model() const { return model_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

  /// What the network says of so many pictures of `H×W×C` bytes: `batch × classes`. \throws Error
  std::span<const float> scores(std::span<const uint8_t> pixels, int batch);

 private:
  std::string name_;
  std::vector<uint8_t> bytes_;
  runtime::Model model_;
  std::vector<char> arena_;
  std::vector<float> scores_;
};

}  // namespace espalier::experiment
