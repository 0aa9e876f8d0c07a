#include "espalier/autograd/core/random.h"

#include <cmath>
#include <numbers>

namespace espalier {

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter,
                                      std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9;  // Weyl sequences: the golden ratio and √3−1
    key[1] += 0xBB67AE85;
  }
  return counter;
}

uint64_t name_index(std::string_view name) {
  uint64_t hash = 14695981039346656037u;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

RandomStream::RandomStream(uint64_t seed, Purpose purpose, uint64_t index, uint64_t second_index) {
  // The counter has 128 bits: 64 for the position, and 64 to name the stream. The latter come from
  // two blocks of the generator itself over everything that identifies the stream.
  key_ = {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  const std::array<uint32_t, 4> outer =
      philox4x32_10({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                     static_cast<uint32_t>(purpose), 0},
                    key_);
  const std::array<uint32_t, 4> inner =
      philox4x32_10({outer[0] ^ static_cast<uint32_t>(second_index),
                     outer[1] ^ static_cast<uint32_t>(second_index >> 32), outer[2], outer[3]},
                    key_);
  stream_ = {inner[0], inner[1]};
}

uint32_t RandomStream::bits(uint64_t position) const {
  const uint64_t block = position / 4;
  return philox4x32_10(
      {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), stream_[0], stream_[1]},
      key_)[position % 4];
}

float RandomStream::uniform(uint64_t position) const {
  return static_cast<float>(bits(position) >> 8) * 0x1p-24f;
}

float RandomStream::normal(uint64_t position) const {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - double{uniform(2 * position)}));
  return static_cast<float>(radius *
                            std::cos(2.0 * std::numbers::pi * double{uniform(2 * position + 1)}));
}

uint64_t RandomStream::below(uint64_t position, uint64_t bound) const {
  __extension__ using Wide = unsigned __int128;
  // Both halves of the word lie in one block.
  const uint64_t block = position / 2;
  const std::array<uint32_t, 4> words = philox4x32_10(
      {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), stream_[0], stream_[1]},
      key_);
  const uint64_t word = uint64_t{words[position % 2 * 2]} << 32 | words[position % 2 * 2 + 1];
  return static_cast<uint64_t>((Wide{word} * bound) >> 64);
}

}  // namespace espalier
