#include "espalier/nn/loss.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"

namespace espalier::nn {

int64_t count_correct(const Tensor& logits, const Labels& labels) {
  if (logits.shape().axes() != 2 || logits.shape()[0] != labels.size()) {
    throw Error("count_correct", "logits of shape " + logits.shape().to_string() +
                                     " do not go with " + std::to_string(labels.size()) +
                                     " labels");
  }
  const int64_t classes = logits.shape()[1];
  int64_t correct = 0;
  for (int64_t n = 0; n < labels.size(); ++n) {
    const float* row = logits.data() + n * classes;
    correct += std::max_element(row, row + classes) - row == labels[n];
  }
  return correct;
}

}  // namespace espalier::nn
