#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace espalier {

/// What random numbers are for. Each purpose has numbers of its own, so drawing more for one never
/// shifts another.
enum class Purpose : uint32_t {
  initialisation = 1,  ///< start values of parameters; index: parameter
  data_order = 2,      ///< order of the training samples; index: epoch
  synthetic = 3,       ///< made-up data; index: sample
  augmentation = 4,    ///< changes to training pictures; indices: epoch, sample
  data_split = 5,      ///< which pictures are for testing, and their order; index: hash of the name
  dropout = 6,         ///< which activations are dropped; indices: layer, forward pass
  gradient_noise = 7,  ///< added before gradients are quantized; indices: layer, backward pass
  algorithm = 8,       ///< chance in a compressor of your own; index: hash of the layer's name
};

/// A stream of random numbers in which every number is a pure function of (seed, purpose, two
/// indices, position): there is no state to save and no order to keep.
/// Generator: Philox4x32-10 (Salmon et al., *Parallel Random Numbers: As Easy as 1, 2, 3*, SC
/// 2011).
class RandomStream {
 public:
  RandomStream(uint64_t seed, Purpose purpose, uint64_t index = 0, uint64_t second_index = 0);

  /// The `position`-th 32 random bits.
  uint32_t bits(uint64_t position) const;
  /// Uniform in [0, 1), 24 bits.
  float uniform(uint64_t position) const;
  /// Standard normal (Box–Muller over the positions 2·p and 2·p+1).
  float normal(uint64_t position) const;
  /// Uniform integer in [0, bound); the bias of the multiplication is below bound/2⁶⁴.
  uint64_t below(uint64_t position, uint64_t bound) const;

  /// For kernels that compute many numbers at once: word `position` is that of
  /// `philox4x32_10({low, high, stream[0], stream[1]}, key)` with the counter position/4.
  const std::array<uint32_t, 2>& key() const { return key_; }
  const std::array<uint32_t, 2>& stream() const { return stream_; }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 2> stream_;
};

/// An index for a stream from a name: FNV-1a over its bytes.
uint64_t name_index(std::string_view name);

/// The block function itself: four random words from a counter and a key.
std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace espalier
