#pragma once

#include <vector>

#include "espalier/autograd/batch.h"
#include "support/values.h"

namespace espalier::test {

/// Two classes that a line separates, in batches of 8.
class Separable : public BatchSource {
 public:
  void start_epoch(int) override { at_ = 0; }
  bool next(Batch& batch) override {
    if (at_ == batches()) return false;
    std::vector<int32_t> classes;
    const Tensor noise = normal({8, 2}, static_cast<uint64_t>(at_));
    NewTensor points({8, 2});
    for (int64_t i = 0; i < 8; ++i) {
      classes.push_back(i % 2);
      for (int64_t j = 0; j < 2; ++j)
        points[i * 2 + j] = 0.3f * noise[i * 2 + j] + (i % 2 ? 1.0f : -1.0f);
    }
    batch = {std::move(points), Labels(std::span<const int32_t>(classes))};
    ++at_;
    return true;
  }
  int64_t samples() const override { return 8 * batches(); }
  int64_t batches() const override { return 5; }
  const Shape& sample_shape() const override { return shape_; }
  int classes() const override { return 2; }

 private:
  Shape shape_{2};
  int64_t at_ = 0;
};

}  // namespace espalier::test
