#include "espalier/datasets/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/random.h"
#include "espalier/datasets/memory_dataset.h"

namespace espalier::datasets {
namespace {

// In units of one grey level of 255.
constexpr float mid_grey = 127.5f;
constexpr float class_strength = 48.0f;   // deviation of a class's pattern at the grid points
constexpr float sample_strength = 48.0f;  // and of a sample's own
constexpr float noise = 40.0f;            // pixel noise is uniform in ± this

// Patterns are given by random values on a grid of this many points a side, whatever the size of
// the picture, with bilinear interpolation in between.
constexpr int64_t grid = 5;

// Streams of the generator: what their second index says.
enum Stream : uint64_t { class_patterns = 0, train_samples = 1, test_samples = 2 };

// Where a row (or column) of the picture lies between two grid lines.
struct Between {
  int64_t line;  // it lies after this one
  float weight;  // of the next one
};

std::vector<Between> positions(int64_t extent) {
  std::vector<Between> result;
  for (int64_t i = 0; i < extent; ++i) {
    const float place =
        extent == 1 ? 0.0f : static_cast<float>(i * (grid - 1)) / static_cast<float>(extent - 1);
    const int64_t line = std::min(static_cast<int64_t>(place), grid - 2);
    result.push_back({line, place - static_cast<float>(line)});
  }
  return result;
}

// std::lerp guards against cases that do not occur here, at several times the cost.
float mix(float from, float to, float weight) {
  return from + weight * (to - from);
}

// Adds `strength` times normal noise to the grid points; they are laid out grid×grid×C.
void add_pattern(const RandomStream& random, float strength, std::vector<float>& points) {
  for (size_t i = 0; i < points.size(); ++i) points[i] += strength * random.normal(i);
}

void check(const SyntheticOptions& options) {
  if (options.shape.axes() != 3 || options.shape.elements() < 1) {
    throw Error("synthetic", fmt::format("pictures need the shape H×W×C, the one given is {}",
                                         options.shape.to_string()));
  }
  if (options.samples < 1 || options.classes < 1) {
    throw Error("synthetic", fmt::format("{} samples of {} classes cannot be made, both must be at "
                                         "least 1",
                                         options.samples, options.classes));
  }
}

}  // namespace

DatasetPtr synthetic(const SyntheticOptions& options) {
  check(options);
  const int64_t channels = options.shape[2];
  const auto points = static_cast<size_t>(grid * grid * channels);
  const std::vector<Between> rows = positions(options.shape[0]);
  const std::vector<Between> columns = positions(options.shape[1]);

  std::vector<std::vector<float>> patterns;
  for (int c = 0; c < options.classes; ++c) {
    patterns.emplace_back(points, mid_grey);
    add_pattern({options.seed, Purpose::synthetic, static_cast<uint64_t>(c), class_patterns},
                class_strength, patterns.back());
  }

  Pictures pictures{.sample_shape = options.shape,
                    .pixels = {},
                    .labels = {},
                    .classes = options.classes,
                    // 0.2 is about the deviation that the strengths above come to.
                    .normalisation = {.mean = {0.5f}, .deviation = {0.2f}}};
  pictures.labels.resize(static_cast<size_t>(options.samples));
  pictures.pixels.resize(pictures.labels.size() * static_cast<size_t>(options.shape.elements()));
  uint8_t* pixel = pictures.pixels.data();
  const Stream samples = options.split == Split::train ? train_samples : test_samples;
  std::vector<float> own;
  for (int64_t i = 0; i < options.samples; ++i) {
    const int64_t label = i % options.classes;
    pictures.labels[static_cast<size_t>(i)] = static_cast<int32_t>(label);
    const RandomStream random(options.seed, Purpose::synthetic, static_cast<uint64_t>(i), samples);
    own = patterns[static_cast<size_t>(label)];
    add_pattern(random, sample_strength, own);
    // Behind the numbers of the pattern (two words each) come those of the pixels: a byte each,
    // which is random enough for noise and four times cheaper than a word.
    uint64_t position = 2 * points;
    uint32_t word = 0;
    int bytes_left = 0;
    for (const Between& row : rows) {
      for (const Between& column : columns) {
        const float* corner = own.data() + (row.line * grid + column.line) * channels;
        for (int64_t c = 0; c < channels; ++c, ++corner, ++pixel) {
          const float upper = mix(corner[0], corner[channels], column.weight);
          const float lower =
              mix(corner[grid * channels], corner[(grid + 1) * channels], column.weight);
          if (bytes_left == 0) {
            word = random.bits(position++);
            bytes_left = 4;
          }
          const float speckle = (static_cast<float>(word & 0xff) / 127.5f - 1.0f) * noise;
          word >>= 8;
          --bytes_left;
          const float value = mix(upper, lower, row.weight) + speckle;
          *pixel = static_cast<uint8_t>(std::clamp(value, 0.0f, 255.0f) + 0.5f);
        }
      }
    }
  }
  return std::make_shared<MemoryDataset>(std::move(pictures));
}

}  // namespace espalier::datasets
