#include <cmath>

#include "espalier/autograd/backend/reference/cross_entropy.h"
#include "espalier/autograd/backend/reference/distillation.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/class_loss.h"

namespace espalier {
namespace {

namespace reference = backend::reference;

void require_teaching(const Tensor& logits, const Tensor& teacher, double temperature,
                      double weight) {
  constexpr const char* name = "distillation_loss";
  if (!(temperature > 0 && std::isfinite(temperature)))
    throw Error(name, "temperature must be above 0, not " + std::to_string(temperature));
  if (!(weight >= 0 && weight <= 1))
    throw Error(name, "weight must be between 0 and 1, not " + std::to_string(weight));
  if (teacher.shape() == logits.shape()) return;
  throw Error(name, "the teacher's logits have the shape " + teacher.shape().to_string() +
                        ", those of the student " + logits.shape().to_string());
}

}  // namespace

Tensor distillation_loss(const Tensor& logits, const Tensor& teacher_logits, const Labels& labels,
                         const DistillationOptions& options) {
  const double smoothing = options.label_smoothing, temperature = options.temperature,
               weight = options.weight;
  require_teaching(logits, teacher_logits, temperature, weight);
  require_classes("distillation_loss", logits, labels, smoothing);
  const int64_t rows = logits.shape()[0], classes = logits.shape()[1];
  NewTensor probabilities(logits.shape()), difference(logits.shape());
  const Tensor loss = mean_over_rows(rows, [&](int64_t begin, int64_t end) {
    const int64_t at = begin * classes;
    const double hard =
        reference::cross_entropy(end - begin, classes, smoothing, logits.data() + at,
                                 labels.data() + begin, probabilities.data() + at);
    const double soft =
        reference::distillation(end - begin, classes, temperature, logits.data() + at,
                                teacher_logits.data() + at, difference.data() + at);
    return weight == 0 ? hard : (1 - weight) * hard + weight * soft;
  });
  return record(
      "distillation_loss", {&logits}, loss,
      {{"temperature", temperature}, {"weight", weight}, {"label_smoothing", smoothing}},
      [p = Tensor(std::move(probabilities)), d = Tensor(std::move(difference)), labels, rows,
       classes, smoothing, temperature, weight](const Tensor& gradient, InputGradients& into) {
        const double g{gradient.item()};
        NewTensor gx(p.shape());
        reference::cross_entropy_gradient(rows, classes, smoothing, p.data(), labels.data(),
                                          (1 - weight) * g, gx.data());
        if (weight > 0) {
          reference::add_distillation_gradient(rows, classes, temperature, d.data(), weight * g,
                                               gx.data());
        }
        into.add(0, std::move(gx));
      });
}

}  // namespace espalier
