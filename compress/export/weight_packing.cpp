#include "espalier/compress/export/weight_packing.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace espalier::compress::c_code {
namespace {

constexpr int most_gap_bits = 8;

class BitWriter {
 public:
  void put(uint32_t value, int bits) {
    for (int i = 0; i < bits; ++i, ++count_) {
      if (count_ % 8 == 0) bytes_.push_back(0);
      bytes_.back() = static_cast<uint8_t>(bytes_.back() | ((value >> i & 1u) << (count_ % 8)));
    }
  }
  std::vector<uint8_t> finish() {
    bytes_.resize(std::max<size_t>(bytes_.size() + 1, 2), 0);
    return std::move(bytes_);
  }

 private:
  std::vector<uint8_t> bytes_;
  int64_t count_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  int take(int bits) {
    int value = 0;
    for (int i = 0; i < bits; ++i, ++at_) value |= (bytes_[at_ / 8] >> (at_ % 8) & 1) << i;
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

/// lowest + step·code for all of some integers.
struct Line {
  int lowest = 0, step = 0, bits = 0;
};

Line line_through(const std::vector<int>& weights) {
  if (weights.empty()) return {};
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  Line line{*low, 0, 0};
  for (const int weight : weights) line.step = std::gcd(line.step, weight - line.lowest);
  if (line.step != 0) {
    line.bits = std::bit_width(static_cast<unsigned>((*high - *low) / line.step));
  }
  return line;
}

int64_t fields(int64_t gap, int bits) {
  return gap / ((1 << bits) - 1) + 1;
}

void put_gap(BitWriter& to, int64_t gap, int bits) {
  const int64_t most = (1 << bits) - 1;
  for (; gap >= most; gap -= most) to.put(static_cast<uint32_t>(most), bits);
  to.put(static_cast<uint32_t>(gap), bits);
}

}  // namespace

PackedWeights pack_weights(std::span<const int16_t> codes, int64_t row, bool bytes) {
  std::vector<int> all(codes.begin(), codes.end()), kept;
  std::vector<int64_t> gaps;  // before each kept weight, and behind the last
  std::vector<int64_t> kept_in_row(codes.size() / static_cast<size_t>(row), 0);
  int64_t gap = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == 0) {
      ++gap;
      continue;
    }
    kept.push_back(codes[i]);
    ++kept_in_row[i / static_cast<size_t>(row)];
    gaps.push_back(gap);
    gap = 0;
  }
  gaps.push_back(gap);

  const Line dense = line_through(all), sparse = line_through(kept);
  PackedWeights packed;
  packed.fits_int8 =
      std::all_of(all.begin(), all.end(), [](int w) { return w >= -128 && w <= 127; });
  int64_t least = dense.bits * static_cast<int64_t>(all.size());
  for (int bits = 1; bits <= most_gap_bits; ++bits) {
    int64_t size = sparse.bits * static_cast<int64_t>(kept.size());
    for (const int64_t zeros : gaps) size += bits * fields(zeros, bits);
    if (size < least) {
      least = size;
      packed.gap_bits = bits;
    }
  }

  const Line& line = packed.sparse() ? sparse : dense;
  packed.lowest = line.lowest;
  packed.step = line.step;
  packed.code_bits = line.bits;
  packed.stored = static_cast<int64_t>(packed.sparse() ? kept.size() : all.size());
  packed.in_one_row =
      packed.sparse() ? *std::max_element(kept_in_row.begin(), kept_in_row.end()) : row;
  packed.bytes = bytes && !packed.sparse() && line.bits == 8 && packed.fits_int8;
  if (packed.bytes) {
    for (const int weight : all) packed.data.push_back(static_cast<uint8_t>(weight));
    return packed;
  }
  BitWriter out;
  const auto put_weight = [&](int weight) {
    if (line.step != 0)
      out.put(static_cast<uint32_t>((weight - line.lowest) / line.step), line.bits);
  };
  if (packed.sparse()) {
    for (size_t i = 0; i < kept.size(); ++i) {
      put_gap(out, gaps[i], packed.gap_bits);
      put_weight(kept[i]);
    }
    put_gap(out, gaps.back(), packed.gap_bits);
  } else {
    for (const int weight : all) put_weight(weight);
  }
  packed.data = out.finish();
  return packed;
}

std::vector<int16_t> unpack_weights(const PackedWeights& packed, int64_t rows, int64_t row) {
  std::vector<int16_t> weights(static_cast<size_t>(rows * row), 0);
  if (packed.bytes) {
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<int8_t>(packed.data[i]);
    return weights;
  }
  BitReader in(packed.data);
  const int most = (1 << packed.gap_bits) - 1;
  size_t at = 0;
  while (true) {
    if (packed.sparse()) {
      int field;
      do {
        field = in.take(packed.gap_bits);
        at += static_cast<size_t>(field);
      } while (field == most);
    }
    if (at >= weights.size()) return weights;
    weights[at++] = static_cast<int16_t>(packed.lowest + packed.step * in.take(packed.code_bits));
  }
}

}  // namespace espalier::compress::c_code
