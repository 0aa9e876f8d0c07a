#include "espalier/autograd/backend/reference/cross_entropy.h"

#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {

Tensor cross_entropy(const Tensor& logits, const Labels& labels,
                     const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0 && smoothing <= 1)) {
    throw Error("cross_entropy",
                "label_smoothing must be between 0 and 1, not " + std::to_string(smoothing));
  }
  require_axes("cross_entropy", "logits", logits, 2, "batch×classes");
  const int64_t rows = logits.shape()[0], classes = logits.shape()[1];
  if (labels.size() != rows || rows == 0) {
    throw Error("cross_entropy", std::to_string(rows) +
                                     " rows of logits need as many labels, at least one, not " +
                                     std::to_string(labels.size()));
  }
  for (int32_t label : labels.values()) {
    if (label < 0 || label >= classes) {
      throw Error("cross_entropy", "label " + std::to_string(label) + " is outside the " +
                                       std::to_string(classes) + " classes of the logits");
    }
  }
  // The definition itself is fast enough here: a batch has few logits.
  NewTensor probabilities(logits.shape());
  constexpr int64_t grain = 32;
  NewTensor losses({parallel_part_count(rows, grain)});
  parallel_parts(rows, grain, [&](int64_t begin, int64_t end, int part) {
    const double loss = backend::reference::cross_entropy(
        end - begin, classes, smoothing, logits.data() + begin * classes, labels.data() + begin,
        probabilities.data() + begin * classes);
    losses[part] = static_cast<float>(loss * static_cast<double>(end - begin));
  });
  double loss = 0;
  for (float part : losses.values()) loss += double{part};
  return record("cross_entropy", {&logits},
                Tensor::scalar(static_cast<float>(loss / static_cast<double>(rows))),
                {{"label_smoothing", smoothing}},
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
