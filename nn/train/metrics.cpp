#include "espalier/nn/train/metrics.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "espalier/autograd/core/error.h"

namespace espalier::nn {
namespace {

void require_matching(const char* where, const Tensor& logits, const Labels& labels) {
  if (logits.shape().axes() != 2 || logits.shape()[0] != labels.size()) {
    throw Error(where, "logits of shape " + logits.shape().to_string() + " do not go with " +
                           std::to_string(labels.size()) + " labels");
  }
  for (int32_t label : labels.values()) {
    if (label < 0 || label >= logits.shape()[1]) {
      throw Error(where, "label " + std::to_string(label) + " is outside the " +
                             std::to_string(logits.shape()[1]) + " classes of the logits");
    }
  }
}

double fraction(int64_t part, int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

int64_t count_correct(const Tensor& logits, const Labels& labels, int64_t top) {
  require_matching("count_correct", logits, labels);
  const int64_t classes = logits.shape()[1];
  int64_t correct = 0;
  for (int64_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * classes;
    const float own = row[labels[n]];
    int64_t ahead = 0;  // negated comparisons, so that NaN is ahead of everything
    for (int64_t k = 0; k < labels[n]; ++k) ahead += !(row[k] < own);
    for (int64_t k = labels[n] + 1; k < classes; ++k) ahead += !(row[k] <= own);
    correct += ahead < top && own == own;
  }
  return correct;
}

ConfusionMatrix::ConfusionMatrix(int64_t classes) : classes_(classes) {
  if (classes < 0) throw Error("confusion matrix", "the number of classes must be at least 0");
  counts_.resize(static_cast<size_t>(classes * classes));
}

void ConfusionMatrix::add(const Tensor& logits, const Labels& labels) {
  require_matching("confusion matrix", logits, labels);
  if (logits.shape()[1] != classes_) {
    throw Error("confusion matrix", "logits of shape " + logits.shape().to_string() +
                                        " are not for " + std::to_string(classes_) + " classes");
  }
  for (int64_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * classes_;
    const int64_t answer = std::max_element(row, row + classes_) - row;
    ++counts_[static_cast<size_t>(labels[n] * classes_ + answer)];
  }
}

int64_t ConfusionMatrix::samples() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

double ConfusionMatrix::accuracy() const {
  int64_t correct = 0;
  for (int64_t k = 0; k < classes_; ++k) correct += count(k, k);
  return fraction(correct, samples());
}

double ConfusionMatrix::class_accuracy(int64_t truth) const {
  int64_t of_class = 0;
  for (int64_t k = 0; k < classes_; ++k) of_class += count(truth, k);
  return fraction(count(truth, truth), of_class);
}

}  // namespace espalier::nn
