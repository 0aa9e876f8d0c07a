#include "espalier/compress/quantizers/codebook.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "espalier/autograd/core/error.h"

namespace espalier::compress {
namespace {

/// What is not a number has no place in an order.
void require_numbers(std::span<const float> values) {
  if (std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    return;
  throw Error("codebook",
              "a weight is no longer a finite number: training has diverged; try a smaller "
              "learning rate");
}

std::vector<float> distinct(std::vector<float> sorted) {
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

/// \param sorted  with more different values than `count`
std::vector<double> start_values(const std::vector<float>& sorted, int count, CodebookStart start,
                                 const RandomStream& random) {
  std::vector<double> centroids;
  const double low = double{sorted.front()}, high = double{sorted.back()};
  if (start == CodebookStart::linear) {
    // One centroid has no two ends to lie between.
    if (count == 1) return {(low + high) / 2};
    for (int k = 0; k < count; ++k) centroids.push_back(low + (high - low) * k / (count - 1));
  } else if (start == CodebookStart::density) {
    for (int k = 0; k < count; ++k) {
      const double position = (k + 0.5) / count * static_cast<double>(sorted.size());
      centroids.push_back(double{sorted[static_cast<size_t>(position)]});
    }
  } else {
    const std::vector<float> values = distinct(sorted);
    std::set<uint64_t> drawn;
    for (uint64_t position = 0; drawn.size() < static_cast<size_t>(count); ++position)
      drawn.insert(random.below(position, values.size()));
    for (const uint64_t place : drawn) centroids.push_back(double{values[place]});
  }
  return centroids;
}

}  // namespace

Codebook codebook_of(const Tensor& weight) {
  require_numbers(weight.values());
  Codebook book;
  const std::set<float> values(weight.values().begin(), weight.values().end());
  for (const float value : values) {
    if (value != 0) book.values.push_back(value);
  }
  book.indices.reserve(static_cast<size_t>(weight.size()));
  for (const float value : weight.values()) {
    const auto place = std::lower_bound(book.values.begin(), book.values.end(), value);
    book.indices.push_back(value == 0 ? -1 : static_cast<int32_t>(place - book.values.begin()));
  }
  return book;
}

std::vector<double> cluster_values(
    std::vector<float> values, int count, CodebookStart start, const RandomStream& random,
    const std::function<void(const std::vector<double>& centroids)>& each) {
  require_numbers(values);
  std::sort(values.begin(), values.end());
  const std::vector<float> different = distinct(values);
  if (different.size() <= static_cast<size_t>(count)) return {different.begin(), different.end()};

  // Of sorted values each centroid has a stretch, and its mean is the difference of two sums.
  std::vector<double> sums(values.size() + 1);
  for (size_t i = 0; i < values.size(); ++i) sums[i + 1] = sums[i] + double{values[i]};
  std::vector<double> centroids = start_values(values, count, start, random);
  std::vector<size_t> ends(centroids.size()), before;
  const auto divide = [&] {
    for (size_t k = 0; k + 1 < centroids.size(); ++k) {
      const double middle = (centroids[k] + centroids[k + 1]) / 2;
      ends[k] = static_cast<size_t>(
          std::upper_bound(values.begin(), values.end(), middle,
                           [](double m, float value) { return m < double{value}; }) -
          values.begin());
    }
    ends.back() = values.size();
  };
  // It ends by itself; the limit is for rounding errors that might make it go round in circles.
  constexpr int most = 10000;
  divide();
  if (each) each(centroids);
  for (int i = 0; i < most && ends != before; ++i) {
    before = ends;
    for (size_t k = 0, begin = 0; k < centroids.size(); begin = ends[k++]) {
      if (ends[k] > begin)
        centroids[k] = (sums[ends[k]] - sums[begin]) / static_cast<double>(ends[k] - begin);
    }
    divide();
    if (each) each(centroids);
  }
  std::vector<double> used;
  for (size_t k = 0, begin = 0; k < centroids.size(); begin = ends[k++]) {
    if (ends[k] > begin) used.push_back(centroids[k]);
  }
  return used;
}

}  // namespace espalier::compress
