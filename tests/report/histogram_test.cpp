#include "espalier/report/histogram.h"

#include <catch2/catch.hpp>
#include <limits>
#include <vector>

using namespace espalier;

TEST_CASE("histogram: bins of equal width, zeros apart") {
  // Width 0.5: [-1, -0.5), [-0.5, 0), [0, 0.5), [0.5, 1].
  const std::vector<float> values = {-1, -0.75f, -0.5f, -0.25f, 0, 0.0f, -0.0f, 0.1f, 0.5f, 1};
  const report::Histogram counted = report::histogram(values, -1, 1, 4);
  CHECK(counted.low == -1);
  CHECK(counted.high == 1);
  CHECK(counted.counts == std::vector<int64_t>{2, 2, 1, 2});
  CHECK(counted.zeros == 3);
}

TEST_CASE("histogram: what lies outside or is no number is in no bin") {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> values = {-2, 3, infinity, -infinity, std::nanf(""), 0.5f};
  CHECK(report::histogram(values, -1, 1, 2).counts == std::vector<int64_t>{0, 1});
  const report::Extent ends = report::extent(values);
  CHECK(ends.low == -2);
  CHECK(ends.high == 3);
  CHECK(report::extent(std::vector<float>{}).high == 0);
}

TEST_CASE("histogram: one value only is in the first bin") {
  const std::vector<float> values = {0.25f, 0.25f};
  CHECK(report::histogram(values, 0.25, 0.25, 3).counts == std::vector<int64_t>{2, 0, 0});
}
