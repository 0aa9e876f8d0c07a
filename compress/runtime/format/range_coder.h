#pragma once

#include <cstddef>
#include <cstdint>

/// Arithmetic coding of single bits: G. N. N. Martin's range coder (1979) with two symbols. The
/// encoder halves an interval in the ratio of the bit's probability and keeps the half that belongs
/// to the bit; when the interval is small, its highest byte is written. A bit of probability p
/// costs −log₂ p bits.
namespace espalier::runtime {

/// Probabilities that a bit is 1 are in units of 2^−16, from 1 to 65535.
class RangeDecoder {
 public:
  RangeDecoder(const uint8_t* data, size_t size) : at_(data), end_(data + size) {
    for (int i = 0; i < 4; ++i) code_ = code_ << 8 | next();
  }

  /// Whether more was asked for than there is: the data is cut short or not ours. Up to four bytes
  /// of 0 at the end of a stream are not stored, and the decoder reads four bytes ahead.
  bool overrun() const { return missing_ > 8; }
  /// Bytes that were not needed.
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  /// What comes next is for one purpose; only those who count bytes want to know.
  template <typename Purpose>
  void begin(Purpose) {}

  int bit(int, uint32_t probability) {
    const auto bound = static_cast<uint32_t>(uint64_t{range_} * probability >> 16);
    const int result = code_ < bound;
    if (result) {
      range_ = bound;
    } else {
      code_ -= bound;
      range_ -= bound;
    }
    while (range_ < 1u << 24) {
      range_ <<= 8;
      code_ = code_ << 8 | next();
    }
    return result;
  }

 private:
  uint8_t next() {
    if (at_ != end_) return *at_++;
    ++missing_;
    return 0;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  uint32_t range_ = 0xFFFFFFFFu, code_ = 0;
  int missing_ = 0;
};

}  // namespace espalier::runtime
