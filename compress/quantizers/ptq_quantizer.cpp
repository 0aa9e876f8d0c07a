#include "espalier/compress/quantizers/ptq_quantizer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/compress/quantizers/grids.h"
#include "espalier/compress/quantizers/range_observer.h"
#include "espalier/compress/quantizers/steps.h"

namespace espalier::compress {
namespace {

void set_training(nn::ModuleRecord& module, bool on) {
  module.training = on;
  for (const auto& child : module.children) child->train(on);
}

double relative_error(double squared_error, double squares) {
  return squares > 0 ? std::sqrt(squared_error / squares) : 0;
}

}  // namespace

/// A range that is found in what is seen while calibrating.
class PTQQuantizer::CalibratedRange : public ActivationRange {
 public:
  CalibratedRange(const Quantizer& quantizer, const ActivationRange::Options& options,
                  const PTQQuantizer::Options& how)
      : ActivationRange(quantizer, options), symmetric_(options.symmetric), how_(how) {}

  void begin() { seen_ = std::make_unique<ValueHistogram>(); }
  bool has_seen() const { return seen_ && seen_->count() > 0; }
  void end(bool keep) {
    if (keep) {
      set_range(found_range());
      set_active(true);
      const QuantizationGrid quantized = grid();
      double squares = 0;
      for (const auto& [value, count] : seen_->bins())
        squares += static_cast<double>(count) * value * value;
      error_ = relative_error(squared_error(*seen_, quantized), squares);
    }
    seen_.reset();
  }
  double error() const { return error_; }

 private:
  ValueRange found_range() const {
    if (how_.observer == Observer::minmax) return minmax_range(*seen_);
    if (how_.observer == Observer::percentile) return percentile_range(*seen_, how_.percentile);
    return least_error_range(
        *seen_, [this](const ValueRange& range) { return grid_of(range); }, symmetric_);
  }
  void watch(const Tensor& x, bool training) override {
    if (seen_) {
      seen_->add(x);
    } else if (training && !known()) {
      throw Error(std::string(name()),
                  "is not calibrated, and does not learn ranges while training: call calibrate(), "
                  "or quantize a trained run with 'espalier quantize RUN'; to train with "
                  "quantization, use QATQuantizer");
    }
  }

  bool symmetric_;
  PTQQuantizer::Options how_;
  std::unique_ptr<ValueHistogram> seen_;  // while calibrating
  double error_ = 0;
};

/// While it lives, the ranges watch, and the model is in full precision and evaluation mode.
class PTQQuantizer::Calibration {
 public:
  explicit Calibration(PTQQuantizer& quantizer)
      : quantizer_(quantizer),
        was_enabled_(quantizer.enabled()),
        was_training_(quantizer.root_->training) {
    quantizer.set_enabled(false);
    set_training(*quantizer.root_, false);
    for (const auto& range : quantizer.calibrated_ranges_) range->begin();
  }
  ~Calibration() {
    for (const auto& range : quantizer_.calibrated_ranges_) range->end(false);
    set_training(*quantizer_.root_, was_training_);
    quantizer_.set_enabled(was_enabled_);
  }
  Calibration(const Calibration&) = delete;
  Calibration& operator=(const Calibration&) = delete;

 private:
  PTQQuantizer& quantizer_;
  bool was_enabled_, was_training_;
};

void PTQQuantizer::calibrate(const std::function<void()>& forwards) {
  if (!attached())
    throw Error(name(), "is not attached to a model; attach it, then calibrate it with pictures");
  const Calibration calibration(*this);
  NoGrad no_grad;
  FlushDenormals flush;
  forwards();
  for (size_t i = 0; i < ranges().size(); ++i) {
    if (calibrated_ranges_[i]->has_seen()) continue;
    throw Error(name(), "has seen no value of '" + ranges()[i].path +
                            "' while calibrating: run the whole model on some pictures");
  }
  for (const auto& range : calibrated_ranges_) range->end(true);
  calibrated_ = true;
}

std::vector<PTQQuantizer::TensorError> PTQQuantizer::errors() {
  if (!calibrated_) throw Error(name(), "is not calibrated, so that errors are not known");
  std::vector<TensorError> all;
  const LayerInfo* last = nullptr;
  for (size_t i = 0; i < ranges().size(); ++i) {
    const CalibratedRange& range = *calibrated_ranges_[i];
    const bool is_input = ranges()[i].path == "input";
    if (!is_input && ranges()[i].layer != last) {
      last = ranges()[i].layer;
      all.push_back(weight_error(*last));
    }
    all.push_back({ranges()[i].path, range.bits(), range.range(), range.error()});
  }
  return all;
}

PTQQuantizer::TensorError PTQQuantizer::weight_error(const LayerInfo& layer) {
  const bool was_enabled = enabled();
  set_enabled(false);
  const Tensor exact = layer.parameter->effective_value();
  set_enabled(true);
  const Tensor quantized = layer.parameter->effective_value();
  set_enabled(was_enabled);
  double error = 0, squares = 0;
  for (int64_t i = 0; i < exact.size(); ++i) {
    error += std::pow(double{exact[i]} - double{quantized[i]}, 2);
    squares += std::pow(double{exact[i]}, 2);
  }
  return {layer.name.empty() ? "weight" : layer.name + ".weight", weight_bits(layer),
          value_range(exact), relative_error(error, squares)};
}

void PTQQuantizer::read_rule(int rule, MapReader& options) {
  read_widths(rule, options);
  Options o{};
  const std::string observer = options.choice(
      "observer", {"minmax", "percentile", "mse"}, "mse",
      "how the range of an activation is found among the values seen while calibrating: from the "
      "smallest to the largest, without the outermost, or with the least squared error");
  o.observer = observer == "minmax"       ? Observer::minmax
               : observer == "percentile" ? Observer::percentile
                                          : Observer::mse;
  if (o.observer == Observer::percentile) {
    o.percentile = options.number(
        "percentile", {.above = 50,
                       .max = 100,
                       .fallback = 99.99,
                       .help = "how many in a hundred of the values lie below the upper end of a "
                               "range, and above the lower"});
  } else if (options.map().find("percentile")) {
    options.fail("percentile", "is for 'observer: percentile'");
  }
  options_.resize(static_cast<size_t>(rule) + 1);
  options_.back() = o;
}

std::vector<QuantizationGrid> PTQQuantizer::grids_of(const LayerInfo& layer,
                                                     const Tensor& weight) const {
  const int largest = largest_code(weight_bits(layer));
  const auto stepped = find_steps(weight);
  if (!stepped || std::any_of(stepped->codes.begin(), stepped->codes.end(),
                              [&](int16_t code) { return std::abs(int{code}) > largest; }))
    return IntegerQuantizer::grids_of(layer, weight);
  std::vector<QuantizationGrid> grids;
  for (const float scale : stepped->scales)
    grids.push_back({.scale = scale, .zero_point = 0, .lowest = -largest, .highest = largest});
  return grids;
}

std::shared_ptr<ActivationRange> PTQQuantizer::make_range(const LayerInfo& layer,
                                                          const ActivationRange::Options& options) {
  calibrated_ranges_.push_back(
      std::make_shared<CalibratedRange>(*this, options, options_[static_cast<size_t>(layer.rule)]));
  return calibrated_ranges_.back();
}

void PTQQuantizer::on_attached(nn::Module& model) {
  root_ = model.record();
  IntegerQuantizer::on_attached(model);
}

void PTQQuantizer::on_attach_failed() {
  IntegerQuantizer::on_attach_failed();
  calibrated_ranges_.clear();
  root_.reset();
}

}  // namespace espalier::compress
