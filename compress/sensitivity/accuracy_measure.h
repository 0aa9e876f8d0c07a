#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/nn/module.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::compress {

/// The accuracy of a model whose layers are changed one after the other.
class AccuracyMeasure {
 public:
  virtual ~AccuracyMeasure() = default;

  /// Announces that `layer` and those that run behind it are going to change, and no others.
  virtual void change_from(const std::string& /*layer*/) {}
  /// Of the model as it is at this moment: the fraction of samples classified correctly.
  virtual double measure() = 0;
  /// Whether, for want of memory, more is computed again than would be necessary for the layer that
  /// `change_from` named.
  virtual bool recomputes() const { return false; }
};

/// Accuracy as a function of the caller's.
class CustomAccuracy : public AccuracyMeasure {
 public:
  using Function = std::function<double(nn::Module& model)>;
  CustomAccuracy(nn::Module& model, Function accuracy)
      : model_(model), accuracy_(std::move(accuracy)) {}
  double measure() override { return accuracy_(model_); }

 private:
  nn::Module& model_;
  Function accuracy_;
};

/// Accuracy on samples, in evaluation mode, exactly as `nn::evaluate` finds it. Of a `Sequential`
/// only what follows the change is computed: the activations that enter the layer of the outermost
/// level that holds the changed one are kept for all samples. Other models run as a whole.
class SuffixAccuracy : public AccuracyMeasure {
 public:
  static constexpr int64_t default_bytes = int64_t{1} << 30;

  /// \param bytes  of activations kept at most. Where they would be more, those of an earlier layer
  ///               that fit are kept or, if there are none, samples are read anew each time.
  SuffixAccuracy(nn::Module& model, BatchSource& samples, int64_t bytes = default_bytes);

  void change_from(const std::string& layer) override;
  double measure() override;
  bool recomputes() const override { return kept_at_ < start_ || kept_.empty(); }

 private:
  void drop();
  void keep_from_samples(size_t layer);
  void move_kept(size_t layer);
  bool fits(const Tensor& activations) const;
  Tensor run(Tensor x, size_t from, size_t to) const;
  size_t layers() const;

  nn::Module& model_;
  BatchSource& samples_;
  int64_t bytes_;
  bool chain_;  // layers_ of the outermost level are run one by one
  nn::EvaluationMode mode_;
  size_t start_ = 0;         // of the outermost layers, the first that may be changed
  size_t kept_at_ = 0;       // the one that the kept activations enter
  std::vector<Batch> kept_;  // `images` are activations; empty: nothing is kept
};

}  // namespace espalier::compress
