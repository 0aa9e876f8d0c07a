#include "espalier/autograd/backend/reference/cross_entropy.h"

#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/class_loss.h"

namespace espalier {

Tensor cross_entropy(const Tensor& logits, const Labels& labels,
                     const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  require_classes("cross_entropy", logits, labels, smoothing);
  const int64_t rows = logits.shape()[0], classes = logits.shape()[1];
  // The definition itself is fast enough here: a batch has few logits.
  NewTensor probabilities(logits.shape());
  const Tensor loss = mean_over_rows(rows, [&](int64_t begin, int64_t end) {
    return backend::reference::cross_entropy(end - begin, classes, smoothing,
                                             logits.data() + begin * classes, labels.data() + begin,
                                             probabilities.data() + begin * classes);
  });
  return record("cross_entropy", {&logits}, loss, {{"label_smoothing", smoothing}},
                [p = Tensor(std::move(probabilities)), labels, rows, classes, smoothing](
                    const Tensor& g, InputGradients& into) {
                  NewTensor gx(p.shape());
                  backend::reference::cross_entropy_gradient(rows, classes, smoothing, p.data(),
                                                             labels.data(), double{g.item()},
                                                             gx.data());
                  into.add(0, std::move(gx));
                });
}

}  // namespace espalier
