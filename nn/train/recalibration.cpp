#include "espalier/nn/train/recalibration.h"

#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::nn {
namespace {

class Recalibrating {
 public:
  explicit Recalibrating(Module& model) {
    model.for_each_module([this](const std::string&, Module& module) {
      if (auto* norm = dynamic_cast<BatchNorm2d*>(&module)) norms_.push_back(norm);
    });
    for (BatchNorm2d* norm : norms_) norm->recalibrate();
  }
  ~Recalibrating() {
    for (BatchNorm2d* norm : norms_) norm->recalibrate(false);
  }
  Recalibrating(const Recalibrating&) = delete;
  Recalibrating& operator=(const Recalibrating&) = delete;

  int count() const { return static_cast<int>(norms_.size()); }

 private:
  std::vector<BatchNorm2d*> norms_;
};

}  // namespace

int recalibrate(Module& model, BatchSource& samples, int64_t most) {
  if (samples.batches() == 0) throw Error("recalibrate", "there are no samples to look at");
  const EvaluationMode evaluation(model);
  const Recalibrating recalibrating(model);
  if (recalibrating.count() == 0) return 0;
  NoGrad no_grad;
  FlushDenormals flush;
  samples.start_epoch(0);
  Batch batch;
  for (int64_t i = 0; i < most && samples.next(batch); ++i) model(batch.images);
  return recalibrating.count();
}

}  // namespace espalier::nn
