#pragma once

#include <string>

#include "espalier/autograd/ops.h"
#include "espalier/compress/quantizer.h"

namespace espalier::compress {

/// Follows the range of a tensor while training, and quantizes the tensor to it (Jacob et al.,
/// arXiv 1712.05877, section 3.1). Smallest and largest value of the first batch begin; then
///
///     low ← decay·low + (1 − decay)·min(batch),   high likewise
///
/// Evaluation leaves the range alone.
class ActivationRange : public nn::ActivationTransform {
 public:
  struct Options {
    int bits = 8;
    bool symmetric = false;  ///< codes around 0; else 0…2^bits − 1 with a zero point
    double decay = 0.999;
  };
  ActivationRange(const Quantizer& quantizer, const Options& options)
      : quantizer_(quantizer), name_(quantizer.name()), options_(options) {}

  std::string_view name() const override { return name_; }
  Tensor apply(const Tensor& x, bool training) override;

  /// Whether it quantizes, or only follows.
  void set_active(bool on) { active_ = on; }
  /// Whether the range stays as it is.
  void set_frozen(bool on) { frozen_ = on; }
  /// Whether it quantizes now: it is active and has seen a batch.
  bool quantizes() const { return active_ && known_ && quantizer_.enabled(); }
  QuantizationGrid grid() const;
  int bits() const { return options_.bits; }

  /// low, high, whether they are known, whether it is active.
  Tensor state() const override;
  void set_state(const Tensor& state) override;

 private:
  void follow(const ValueRange& batch);

  const Quantizer& quantizer_;
  std::string name_;
  Options options_;
  float low_ = 0, high_ = 0;
  bool known_ = false, active_ = false, frozen_ = false;
};

}  // namespace espalier::compress
