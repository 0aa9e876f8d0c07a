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

size_t largest_of(std::span<const float> scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

}  // namespace

Agreement agreement(nn::Module& model, ExportedFile& file, const datasets::Dataset& pictures) {
  const nn::EvaluationMode evaluation(model);
  const NoGrad no_grad;
  const FlushDenormals flush;
  const Shape& sample = pictures.sample_shape();
  const auto classes = static_cast<size_t>(file.model().output_size());
  Agreement result{.pictures = pictures.size()};
  double right = 0, framework_right = 0, same = 0, contradicted = 0, drift = 0;
  for (int64_t first = 0; first < pictures.size(); first += batch_size) {
    const int64_t count = std::min(batch_size, pictures.size() - first);
    NewTensor images({count, sample[0], sample[1], sample[2]});
    std::vector<uint8_t> pixels(static_cast<size_t>(count * sample.elements()));
    for (int64_t i = 0; i < count; ++i)
      pictures.read(first + i, images.data() + i * sample.elements());
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = byte_of(pictures, images.data()[i], i);
    const std::span<const float> scores = file.scores(pixels, static_cast<int>(count));
    const Tensor expected = model(std::move(images));
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>(i) * classes;
      const auto ours = scores.subspan(at, classes),
                 theirs = expected.values().subspan(at, classes);
      const auto label = static_cast<size_t>(pictures.label(first + i));
      right += largest_of(ours) == label;
      framework_right += largest_of(theirs) == label;
      const size_t answer = largest_of(ours), expected_answer = largest_of(theirs);
      same += answer == expected_answer;
      float largest = 1e-30f, difference = 0;
      for (size_t k = 0; k < classes; ++k) {
        largest = std::max(largest, std::abs(theirs[k]));
        difference = std::max(difference, std::abs(ours[k] - theirs[k]));
      }
      const float margin = theirs[expected_answer] - theirs[answer];
      contradicted +=
          !(double{margin} <= Agreement::tie * double{largest});  // also what is no number
      drift += double{difference / largest};
      result.largest_drift = std::max(result.largest_drift, double{difference / largest});
    }
  }
  const auto n = static_cast<double>(result.pictures);
  result.accuracy = right / n;
  result.framework_accuracy = framework_right / n;
  result.same_answer = same / n;
  result.contradicted = contradicted / n;
  result.mean_drift = drift / n;
  return result;
}

std::vector<std::vector<uint8_t>> picture_bytes(const datasets::Dataset& pictures, int64_t count) {
  std::vector<float> values(static_cast<size_t>(pictures.sample_shape().elements()));
  std::vector<std::vector<uint8_t>> all;
  for (int64_t i = 0; i < count; ++i) {
    pictures.read(i, values.data());
    std::vector<uint8_t> pixels;
    for (size_t k = 0; k < values.size(); ++k) pixels.push_back(byte_of(pictures, values[k], k));
    all.push_back(std::move(pixels));
  }
  return all;
}

}  // namespace espalier::experiment
