#include "espalier/datasets/synthetic.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "espalier/autograd/core/error.h"

namespace espalier::datasets {
namespace {

using Pixels = std::vector<float>;

Pixels sample(const Dataset& data, int64_t index) {
  Pixels pixels(static_cast<size_t>(data.sample_shape().elements()));
  data.read(index, pixels.data());
  return pixels;
}

// How often the class with the nearest mean (over `train`) is the right one (over `test`).
double nearest_mean_accuracy(const Dataset& train, const Dataset& test) {
  const auto size = static_cast<size_t>(train.sample_shape().elements());
  const auto classes = static_cast<size_t>(train.classes());
  std::vector<std::vector<double>> means(classes, std::vector<double>(size));
  std::vector<double> count(classes);
  for (int64_t i = 0; i < train.size(); ++i) {
    const Pixels pixels = sample(train, i);
    const auto label = static_cast<size_t>(train.label(i));
    for (size_t p = 0; p < size; ++p) means[label][p] += pixels[p];
    ++count[label];
  }
  int64_t right = 0;
  for (int64_t i = 0; i < test.size(); ++i) {
    const Pixels pixels = sample(test, i);
    size_t nearest = 0;
    double smallest = std::numeric_limits<double>::max();
    for (size_t c = 0; c < classes; ++c) {
      double distance = 0;
      for (size_t p = 0; p < size; ++p) distance += std::pow(pixels[p] - means[c][p] / count[c], 2);
      if (distance < smallest) {
        smallest = distance;
        nearest = c;
      }
    }
    right += static_cast<int32_t>(nearest) == test.label(i);
  }
  return static_cast<double>(right) / static_cast<double>(test.size());
}

}  // namespace

TEST_CASE("synthetic: classes can be learnt and are equally frequent", "[datasets]") {
  const uint64_t seed = GENERATE(0, 1, 2);
  const Shape shape = GENERATE(Shape{28, 28, 1}, Shape{32, 32, 3}, Shape{12, 12, 1});
  CAPTURE(seed, shape.to_string());
  const DatasetPtr train = synthetic({.samples = 1000, .shape = shape, .seed = seed});
  const DatasetPtr test =
      synthetic({.samples = 500, .shape = shape, .seed = seed, .split = Split::test});
  const double accuracy = nearest_mean_accuracy(*train, *test);
  CAPTURE(accuracy);
  CHECK(accuracy > 0.9);

  std::vector<int> count(10);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < train->size(); ++i) {
    ++count[static_cast<size_t>(train->label(i))];
    for (const float pixel : sample(*train, i)) {
      sum += pixel;
      squares += double{pixel} * pixel;
    }
  }
  CHECK(count == std::vector<int>(10, 100));
  const double pixels = 1000.0 * static_cast<double>(shape.elements());
  CHECK(std::abs(sum / pixels) < 0.25);
  CHECK(squares / pixels == Approx(1.0).epsilon(0.25));

  // Classes of another seed are others: what was learnt is worth nothing there.
  const DatasetPtr other = synthetic({.samples = 500, .shape = shape, .seed = seed + 100});
  CHECK(nearest_mean_accuracy(*train, *other) < 0.5);
}

TEST_CASE("synthetic: equal options give equal samples, the splits differ", "[datasets]") {
  const DatasetPtr a = synthetic({.samples = 40, .seed = 7});
  const DatasetPtr longer = synthetic({.samples = 50, .seed = 7});
  const DatasetPtr test = synthetic({.samples = 40, .seed = 7, .split = Split::test});
  CHECK(a->size() == 40);
  CHECK(a->sample_shape() == Shape{28, 28, 1});
  CHECK(sample(*a, 39) == sample(*longer, 39));
  CHECK(sample(*a, 3) != sample(*a, 13));  // one class, two samples
  CHECK(sample(*a, 3) != sample(*test, 3));
}

TEST_CASE("synthetic: odd sizes work, impossible ones are errors", "[datasets]") {
  CHECK(sample(*synthetic({.samples = 3, .shape = {1, 1, 1}, .classes = 2}), 2).size() == 1);
  CHECK(sample(*synthetic({.samples = 3, .shape = {2, 7, 2}, .classes = 2}), 2).size() == 28);
  CHECK_THROWS_AS(synthetic({.samples = 0}), Error);
  CHECK_THROWS_AS(synthetic({.classes = 0}), Error);
  CHECK_THROWS_AS(synthetic({.shape = {28, 28}}), Error);
}

}  // namespace espalier::datasets
