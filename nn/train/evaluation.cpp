#include "espalier/nn/train/evaluation.h"

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/loss.h"

namespace espalier::nn {
Evaluation evaluate(Module& model, BatchSource& samples) {
  NoGrad no_grad;
  FlushDenormals flush;
  EvaluationMode mode(model);
  Evaluation result;
  int64_t seen = 0, in_top5 = 0;
  samples.start_epoch(0);
  for (Batch batch; samples.next(batch);) {
    const Tensor logits = model(batch.images);
    const int64_t size = batch.labels.size();
    result.loss += double{cross_entropy(logits, batch.labels).item()} * static_cast<double>(size);
    if (seen == 0) result.confusion = ConfusionMatrix(logits.shape()[1]);
    result.confusion.add(logits, batch.labels);
    if (result.confusion.classes() > 5) in_top5 += count_correct(logits, batch.labels, 5);
    seen += size;
  }
  if (seen == 0) throw Error("evaluate", "there are no samples to evaluate on");
  result.accuracy = result.confusion.accuracy();
  result.loss /= static_cast<double>(seen);
  if (result.confusion.classes() > 5)
    result.top5_accuracy = static_cast<double>(in_top5) / static_cast<double>(seen);
  return result;
}

}  // namespace espalier::nn
