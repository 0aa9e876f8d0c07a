#pragma once

#include <cstddef>
#include <cstdint>

namespace espalier::runtime {

/// CRC-32 as in gzip and PNG: polynomial 0xEDB88320, reflected, begun with and inverted by all
/// ones.
inline uint32_t crc32(const uint8_t* data, size_t size) {
  // Sixteen entries and two steps a byte: small, and fast enough for files of this size.
  uint32_t table[16];
  for (uint32_t nibble = 0; nibble < 16; ++nibble) {
    uint32_t value = nibble;
    for (int bit = 0; bit < 4; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320u : 0);
    table[nibble] = value;
  }
  uint32_t crc = 0xFFFFFFFFu;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    crc = (crc >> 4) ^ table[crc & 15];
    crc = (crc >> 4) ^ table[crc & 15];
  }
  return ~crc;
}

}  // namespace espalier::runtime
