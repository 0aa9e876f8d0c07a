#pragma once

#include <zlib.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/files.h"

/// For tests: files in MNIST's format made by hand.
namespace espalier::testing {

/// Magic number, extents, values.
inline Bytes idx(uint32_t magic, const std::vector<uint32_t>& extents, const Bytes& values) {
  Bytes bytes;
  const auto append = [&](uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<uint8_t>(word >> shift));
  };
  append(magic);
  for (const uint32_t extent : extents) append(extent);
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

/// `count` pictures of 2×3 whose bytes count up from 0.
inline Bytes idx_images(uint32_t count) {
  Bytes values;
  for (uint32_t i = 0; i < count * 6; ++i) values.push_back(static_cast<uint8_t>(i));
  return idx(0x803, {count, 2, 3}, values);
}

inline Bytes idx_labels(const Bytes& labels) {
  return idx(0x801, {static_cast<uint32_t>(labels.size())}, labels);
}

inline void write_gzip(const std::string& path, const Bytes& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  if (!file) throw std::runtime_error("cannot write " + path);
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

}  // namespace espalier::testing
