#pragma once

#include <cstdint>
#include <vector>

#include "espalier/autograd/tensor.h"

namespace espalier::nn {

/// How many rows of logits `N×K` have their label among the `top` largest values; of equal logits
/// the first ones count as larger. A row with NaN is never right. \throws Error when the shapes do
/// not go together or a label is no class
int64_t count_correct(const Tensor& logits, const Labels& labels, int64_t top = 1);

/// How often samples of each class were taken for each class.
class ConfusionMatrix {
 public:
  ConfusionMatrix() = default;
  /// All counts 0. \throws Error for a negative number of classes
  explicit ConfusionMatrix(int64_t classes);

  int64_t classes() const { return classes_; }
  /// Counts the answers for a batch: row by row the class with the largest logit, the first of
  /// equal ones. logits `N×classes`. \throws Error when the shapes do not go together or a label is
  /// no class
  void add(const Tensor& logits, const Labels& labels);

  /// Samples of class `truth` that were taken for `answer`.
  int64_t count(int64_t truth, int64_t answer) const {
    return counts_[static_cast<size_t>(truth * classes_ + answer)];
  }
  /// Samples counted.
  int64_t samples() const;
  /// Fraction of all samples that were classified correctly; 0 if there are none.
  double accuracy() const;
  /// Fraction of the samples of class `truth` that were classified correctly (its recall); 0 if
  /// there are none.
  double class_accuracy(int64_t truth) const;

 private:
  int64_t classes_ = 0;
  std::vector<int64_t> counts_;  // classes × classes, a row for each true class
};

}  // namespace espalier::nn
