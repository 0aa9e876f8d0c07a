#pragma once

#include <cstdint>
#include <vector>

#include "espalier/compress/runtime/format/weight_stream.h"

namespace espalier::compress::file {

/// Writes what `runtime::RangeDecoder` reads.
class RangeEncoder {
 public:
  int bit(int bit, uint32_t probability) {
    const auto bound = static_cast<uint32_t>(uint64_t{range_} * probability >> 16);
    if (bit) {
      range_ = bound;
    } else {
      low_ += bound;
      range_ -= bound;
    }
    while (range_ < 1u << 24) {
      range_ <<= 8;
      shift();
    }
    return bit;
  }
  void begin(runtime::Purpose) {}
  bool overrun() const { return false; }

  /// All bytes. Up to four zeros at the end are left out: the decoder reads zeros there.
  std::vector<uint8_t> finish() {
    for (int i = 0; i < 5; ++i) shift();
    bytes_.erase(bytes_.begin());  // the first carries nothing
    for (int i = 0; i < 4 && !bytes_.empty() && bytes_.back() == 0; ++i) bytes_.pop_back();
    return std::move(bytes_);
  }

 private:
  /// Moves the highest byte out; one that a later carry may still change is held back, with the
  /// bytes of 255 behind it.
  void shift() {
    if (low_ < 0xFF000000u || low_ > 0xFFFFFFFFu) {
      const auto carry = static_cast<uint8_t>(low_ >> 32);
      bytes_.push_back(static_cast<uint8_t>(held_ + carry));
      for (; run_ > 0; --run_) bytes_.push_back(static_cast<uint8_t>(0xFF + carry));
      held_ = static_cast<uint8_t>(low_ >> 24);
    } else {
      ++run_;
    }
    low_ = (low_ & 0x00FFFFFFu) << 8;
  }

  uint64_t low_ = 0;
  uint32_t range_ = 0xFFFFFFFFu;
  uint8_t held_ = 0;
  uint64_t run_ = 0;
  std::vector<uint8_t> bytes_;
};

}  // namespace espalier::compress::file
