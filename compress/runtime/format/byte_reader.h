#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace espalier::runtime {

/// Numbers from a piece of memory, never beyond its end: there everything is 0 and `failed`.
class ByteReader {
 public:
  ByteReader(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  bool failed() const { return failed_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }
  const uint8_t* position() const { return at_; }

  uint8_t byte() {
    if (at_ == end_) {
      failed_ = true;
      return 0;
    }
    return *at_++;
  }
  int8_t signed_byte() { return static_cast<int8_t>(byte()); }

  /// Seven bits a byte, lowest first; the highest bit says that more follow. Up to 32 bits.
  uint32_t varint() {
    uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const uint8_t next = byte();
      if (shift == 28 && next > 15) break;
      value |= static_cast<uint32_t>(next & 127) << shift;
      if (next < 128) return value;
    }
    failed_ = true;
    return 0;
  }

  uint32_t fixed32() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value |= static_cast<uint32_t>(byte()) << (8 * i);
    return value;
  }
  float float32() {
    const uint32_t bits = fixed32();
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

  /// The next bytes as a piece of their own.
  ByteReader take(size_t size) {
    if (size > left()) {
      failed_ = true;
      size = left();
    }
    ByteReader piece(at_, size);
    at_ += size;
    return piece;
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
  bool failed_ = false;
};

}  // namespace espalier::runtime
