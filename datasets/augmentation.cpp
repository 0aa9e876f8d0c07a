#include "espalier/datasets/augmentation.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/random.h"

namespace espalier::datasets {
namespace {

// Positions in the stream of random numbers that each sample has in each epoch.
enum Draw : uint64_t { crop_row, crop_column, mirrored, cutout_row, cutout_column };

int64_t draw(const RandomStream& random, Draw position, int64_t bound) {
  return static_cast<int64_t>(random.below(position, static_cast<uint64_t>(bound)));
}

}  // namespace

Augmenter::Augmenter(const Augmentation& options, const Shape& sample,
                     const Normalisation& normalisation, uint64_t seed)
    : options_(options), height_(sample[0]), width_(sample[1]), channels_(sample[2]), seed_(seed) {
  const int64_t side = std::min(height_, width_);
  if (options.pad < 0 || options.pad >= side) {
    throw Error("augmentation",
                fmt::format("pad is {}, but for pictures of {} it must be in [0, {})", options.pad,
                            sample.to_string(), side));
  }
  if (options.cutout < 0 || options.cutout > side) {
    throw Error("augmentation",
                fmt::format("cutout is {}, but for pictures of {} it must be in [0, {}]",
                            options.cutout, sample.to_string(), side));
  }
  for (int64_t column = 0; column < width_; ++column) {
    for (int64_t c = 0; c < channels_; ++c) black_row_.push_back(normalisation(0, c));
  }
}

void Augmenter::apply(const float* picture, float* result, int epoch, int64_t sample) const {
  const RandomStream random(seed_, Purpose::augmentation, static_cast<uint64_t>(epoch),
                            static_cast<uint64_t>(sample));
  int64_t down = 0, right = 0;
  if (options_.pad > 0) {
    down = draw(random, crop_row, 2 * options_.pad + 1) - options_.pad;
    right = draw(random, crop_column, 2 * options_.pad + 1) - options_.pad;
  }
  place(picture, result, down, right, options_.flip && draw(random, mirrored, 2) == 1);
  if (options_.cutout > 0) {
    blank(result, draw(random, cutout_row, height_), draw(random, cutout_column, width_));
  }
}

void Augmenter::place(const float* picture, float* result, int64_t down, int64_t right,
                      bool mirror) const {
  const int64_t row_size = width_ * channels_;
  // The columns of the result that the picture reaches; mirrored, it reaches the opposite ones.
  const int64_t shift = mirror ? -right : right;
  const int64_t first = std::max<int64_t>(shift, 0), last = width_ + std::min<int64_t>(shift, 0);
  for (int64_t row = 0; row < height_; ++row, result += row_size) {
    const int64_t from_row = row - down;
    if (from_row < 0 || from_row >= height_) {
      std::copy_n(black_row_.data(), row_size, result);
      continue;
    }
    const float* from = picture + from_row * row_size;
    std::copy_n(black_row_.data(), first * channels_, result);
    std::copy_n(black_row_.data(), (width_ - last) * channels_, result + last * channels_);
    if (!mirror) {
      std::copy_n(from + (first - shift) * channels_, (last - first) * channels_,
                  result + first * channels_);
      continue;
    }
    for (int64_t column = first; column < last; ++column) {
      const float* pixel = from + (width_ - 1 - (column - shift)) * channels_;
      for (int64_t c = 0; c < channels_; ++c) result[column * channels_ + c] = pixel[c];
    }
  }
}

void Augmenter::blank(float* picture, int64_t centre_row, int64_t centre_column) const {
  const int64_t side = options_.cutout;
  const int64_t top = centre_row - side / 2, left = centre_column - side / 2;
  const int64_t first = std::max<int64_t>(left, 0), last = std::min(left + side, width_);
  for (int64_t row = std::max<int64_t>(top, 0); row < std::min(top + side, height_); ++row) {
    std::fill_n(picture + (row * width_ + first) * channels_, (last - first) * channels_, 0.0f);
  }
}

}  // namespace espalier::datasets
