#pragma once

#include <optional>

#include "espalier/autograd/batch.h"
#include "espalier/nn/module.h"
#include "espalier/nn/train/metrics.h"

namespace espalier::nn {

/// How well a model answers.
struct Evaluation {
  double accuracy = 0;  ///< fraction classified correctly
  double loss = 0;      ///< mean cross entropy, without label smoothing
  /// Fraction whose class is among the five likeliest; only where there are more than five classes.
  std::optional<double> top5_accuracy;
  ConfusionMatrix confusion;
};

/// While it lives, a module is in evaluation mode; it returns to training afterwards if that is
/// where it was.
class EvaluationMode {
 public:
  explicit EvaluationMode(Module& model) : model_(model), was_training_(model.training()) {
    model.eval();
  }
  ~EvaluationMode() { model_.train(was_training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  Module& model_;
  bool was_training_;
};

/// Runs the model once over all samples in evaluation mode, and puts the mode back.
/// \throws Error when there are no samples
Evaluation evaluate(Module& model, BatchSource& samples);

}  // namespace espalier::nn
