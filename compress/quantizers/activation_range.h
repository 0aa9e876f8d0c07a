#pragma once

#include <string>

#include "espalier/autograd/ops.h"
#include "espalier/compress/quantizer.h"

namespace espalier::compress {

/// Quantizes a tensor to the range of its values, which a subclass finds out.
class ActivationRange : public nn::ActivationTransform {
 public:
  struct Options {
    int bits = 8;
    bool symmetric = false;  ///< codes around 0; else 0…2^bits − 1 with a zero point
  };
  ActivationRange(const Quantizer& quantizer, const Options& options)
      : quantizer_(quantizer), name_(quantizer.name()), options_(options) {}

  std::string_view name() const override { return name_; }
  Tensor apply(const Tensor& x, bool training) override;

  /// Whether it quantizes, or only watches.
  void set_active(bool on) { active_ = on; }
  /// Whether it quantizes now: it is active and its range is known.
  bool quantizes() const { return active_ && known_ && quantizer_.enabled(); }
  bool known() const { return known_; }
  ValueRange range() const { return {low_, high_}; }
  QuantizationGrid grid() const { return grid_of(range()); }
  /// What the tensor would be quantized with if that were its range.
  QuantizationGrid grid_of(const ValueRange& range) const;
  int bits() const { return options_.bits; }

  /// low, high, whether they are known, whether it is active.
  Tensor state() const override;
  void set_state(const Tensor& state) override;

 protected:
  /// Looks at a value of the tensor before it is quantized.
  virtual void watch(const Tensor& x, bool training) = 0;
  void set_range(const ValueRange& range);

 private:
  const Quantizer& quantizer_;
  std::string name_;
  Options options_;
  float low_ = 0, high_ = 0;
  bool known_ = false, active_ = false;
};

/// Follows the range of a tensor while training (Jacob et al., arXiv 1712.05877, section 3.1).
/// Smallest and largest value of the first batch begin; then
///
///     low ← decay·low + (1 − decay)·min(batch),   high likewise
///
/// Evaluation leaves the range alone.
class MovingRange : public ActivationRange {
 public:
  MovingRange(const Quantizer& quantizer, const Options& options, double decay)
      : ActivationRange(quantizer, options), decay_(decay) {}

  /// Whether the range stays as it is, once it is known.
  void set_frozen(bool on) { frozen_ = on; }

 private:
  void watch(const Tensor& x, bool training) override;

  double decay_;
  bool frozen_ = false;
};

}  // namespace espalier::compress
