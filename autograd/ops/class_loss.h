#pragma once

#include <cstdint>
#include <string>

#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/ops/checks.h"

/// What losses over the classes of a batch have in common.
namespace espalier {

/// \throws Error naming `operation` unless logits `N×K`, N ≥ 1 labels in [0, K) and a share of
/// label smoothing in [0, 1] go together
inline void require_classes(const char* operation, const Tensor& logits, const Labels& labels,
                            double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw Error(operation,
                "label_smoothing must be between 0 and 1, not " + std::to_string(smoothing));
  }
  require_axes(operation, "logits", logits, 2, "batch×classes");
  const int64_t rows = logits.shape()[0], classes = logits.shape()[1];
  if (labels.size() != rows || rows == 0) {
    throw Error(operation, std::to_string(rows) +
                               " rows of logits need as many labels, at least one, not " +
                               std::to_string(labels.size()));
  }
  for (int32_t label : labels.values()) {
    if (label < 0 || label >= classes) {
      throw Error(operation, "label " + std::to_string(label) + " is outside the " +
                                 std::to_string(classes) + " classes of the logits");
    }
  }
}

/// The mean over `rows` samples, computed by all threads: `part_mean(begin, end)` is that over some
/// of them.
template <class F>
Tensor mean_over_rows(int64_t rows, F&& part_mean) {
  constexpr int64_t grain = 32;
  NewTensor losses({parallel_part_count(rows, grain)});
  parallel_parts(rows, grain, [&](int64_t begin, int64_t end, int part) {
    losses[part] = static_cast<float>(part_mean(begin, end) * static_cast<double>(end - begin));
  });
  double loss = 0;
  for (float part : losses.values()) loss += double{part};
  return Tensor::scalar(static_cast<float>(loss / static_cast<double>(rows)));
}

}  // namespace espalier
