#include "espalier/autograd/mask.h"

#include <bit>
#include <numeric>
#include <string>
#include <utility>

#include "espalier/autograd/core/error.h"

namespace espalier {

Mask::Mask(const Shape& shape, std::vector<uint64_t> bits)
    : shape_(shape), bits_(std::make_shared<const std::vector<uint64_t>>(std::move(bits))) {}

Mask Mask::ones(const Shape& shape) {
  const int64_t n = shape.elements();
  std::vector<uint64_t> bits(static_cast<size_t>((n + 63) / 64), ~uint64_t{0});
  if (n % 64) bits.back() = (uint64_t{1} << (n % 64)) - 1;
  return Mask(shape, std::move(bits));
}

Mask Mask::from(const Tensor& zeros_and_ones) {
  const int64_t n = zeros_and_ones.size();
  std::vector<uint64_t> bits(static_cast<size_t>((n + 63) / 64));
  for (int64_t i = 0; i < n; ++i) {
    const float value = zeros_and_ones[i];
    if (value != 0.0f && value != 1.0f) {
      throw Error("mask", "a mask holds zeros and ones, but element " + std::to_string(i) + " is " +
                              std::to_string(value));
    }
    if (value == 1.0f) bits[static_cast<size_t>(i / 64)] |= uint64_t{1} << (i % 64);
  }
  return Mask(zeros_and_ones.shape(), std::move(bits));
}

Mask Mask::from_words(const Shape& shape, std::vector<uint64_t> words) {
  const int64_t n = shape.elements();
  const bool past_end = n % 64 != 0 && !words.empty() && words.back() >> (n % 64) != 0;
  if (static_cast<int64_t>(words.size()) != (n + 63) / 64 || past_end) {
    throw Error("mask", std::to_string(words.size()) + " words of bits do not fit the shape " +
                            shape.to_string());
  }
  return Mask(shape, std::move(words));
}

int64_t Mask::count() const {
  return std::accumulate(bits_->begin(), bits_->end(), int64_t{0},
                         [](int64_t sum, uint64_t word) { return sum + std::popcount(word); });
}

Tensor Mask::to_tensor() const {
  return Tensor::generate(shape_, [this](int64_t i) { return (*this)[i] ? 1.0f : 0.0f; });
}

bool Mask::operator==(const Mask& other) const {
  return shape_ == other.shape_ && (bits_ == other.bits_ || *bits_ == *other.bits_);
}

}  // namespace espalier
