#include "espalier/experiment/agreement.h"

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::experiment {
namespace {

constexpr int64_t batch_size = 100;

/// The byte that a data set has normalised, `place` in a picture or in several.
uint8_t byte_of(const datasets::Dataset& pictures, float value, size_t place) {
  const datasets::Normalisation& normalise = pictures.normalisation();
  const int64_t channel = static_cast<int64_t>(place) % pictures.sample_shape()[2];
  const uint8_t byte = normalise.nearest_byte(value, channel);
  if (normalise(byte, channel) != value)
    throw Error("pictures", "a value of the data set is no byte of a picture");
  return byte;
}

/// `count` pictures from the `first` on.
Tensor read(const datasets::Dataset& pictures, int64_t first, int64_t count) {
  const Shape& sample = pictures.sample_shape();
  NewTensor images({count, sample[0], sample[1], sample[2]});
  for (int64_t i = 0; i < count; ++i)
    pictures.read(first + i, images.data() + i * sample.elements());
  return images;
}

size_t largest_of(std::span<const float> scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

}  // namespace

Agreement agreement(nn::Module& model, ExportedFile& file, const datasets::Dataset& pictures) {
  const nn::EvaluationMode evaluation(model);
  const NoGrad no_grad;
  const FlushDenormals flush;
  const auto classes = static_cast<size_t>(file.model().output_size());
  Agreement result{.pictures = pictures.size()};
  double right = 0, framework_right = 0, same = 0, gained = 0, lost = 0, drift = 0;
  for (int64_t first = 0; first < pictures.size(); first += batch_size) {
    const int64_t count = std::min(batch_size, pictures.size() - first);
    const Tensor images = read(pictures, first, count);
    std::vector<uint8_t> pixels;
    for (const float value : images.values())
      pixels.push_back(byte_of(pictures, value, pixels.size()));
    const std::span<const float> scores = file.scores(pixels, static_cast<int>(count));
    const Tensor expected = model(images);
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i) * classes;
      const auto ours = scores.subspan(at, classes),
                 theirs = expected.values().subspan(at, classes);
      const auto label = static_cast<size_t>(pictures.label(first + i));
      const size_t answer = largest_of(ours), expected_answer = largest_of(theirs);
      right += answer == label;
      framework_right += expected_answer == label;
      gained += answer == label && expected_answer != label;
      lost += answer != label && expected_answer == label;
      same += answer == expected_answer;
      float largest = 1e-30f, difference = 0;
      for (size_t k = 0; k < classes; ++k) {
        largest = std::max(largest, std::abs(theirs[k]));
        difference = std::max(difference, std::abs(ours[k] - theirs[k]));
      }
      drift += double{difference / largest};
      result.largest_drift = std::max(result.largest_drift, double{difference / largest});
    }
  }
  const auto n = static_cast<double>(result.pictures);
  result.accuracy = right / n;
  result.framework_accuracy = framework_right / n;
  result.same_answer = same / n;
  result.gained = gained / n;
  result.lost = lost / n;
  result.mean_drift = drift / n;
  return result;
}

bool Agreement::same_accuracy() const {
  const auto n = static_cast<double>(pictures);
  return std::abs(gained - lost) * n <= 3 * std::sqrt((gained + lost) * n);
}

std::vector<std::vector<uint8_t>> picture_bytes(const datasets::Dataset& pictures, int64_t count) {
  std::vector<std::vector<uint8_t>> all;
  for (int64_t i = 0; i < count; ++i) {
    const Tensor picture = read(pictures, i, 1);
    std::vector<uint8_t> pixels;
    for (const float value : picture.values())
      pixels.push_back(byte_of(pictures, value, pixels.size()));
    all.push_back(std::move(pixels));
  }
  return all;
}

Tensor first_pictures(const datasets::Dataset& pictures, int64_t count) {
  return read(pictures, 0, count);
}

}  // namespace espalier::experiment
