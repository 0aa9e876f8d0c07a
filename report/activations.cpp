#include "espalier/report/activations.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/compress/quantizers/activation_range.h"
#include "espalier/datasets/loader.h"
#include "espalier/nn/train/evaluation.h"
#include "espalier/report/histogram.h"

namespace espalier::report {
namespace {

constexpr int bins = 80;
constexpr size_t most_levels = 256;

/// Stands in the place of an activation's transform and looks at what that gets and makes of it.
class Spy : public nn::ActivationTransform {
 public:
  Spy(std::string layer, std::shared_ptr<nn::ActivationTransform> inner)
      : inner_(std::move(inner)) {
    seen_.layer = std::move(layer);
    const auto* range = dynamic_cast<const compress::ActivationRange*>(inner_.get());
    if (range && range->quantizes()) {
      seen_.low = double{range->grid().low()};
      seen_.high = double{range->grid().high()};
      seen_.bits = range->bits();
      has_grid_ = true;
    }
    only_watches_ = range && !range->quantizes();
  }

  std::string_view name() const override { return inner_->name(); }
  Tensor apply(const Tensor& x, bool training) override {
    const Tensor y = inner_->apply(x, training);
    if (counts_) {
      count(x);
    } else {
      find_ends(x, y);
    }
    return y;
  }
  Tensor state() const override { return inner_->state(); }
  void set_state(const Tensor& state) override { inner_->set_state(state); }

  /// Ends are known: from here on values are counted.
  void begin_to_count() {
    if (!has_grid_ && !levels_.empty()) {
      seen_.low = double{*levels_.begin()};
      seen_.high = double{*levels_.rbegin()};
      seen_.bits = 1;
      while (size_t{1} << seen_.bits < levels_.size()) ++seen_.bits;
    }
    seen_.values = Histogram{.low = std::min(seen_.low, seen_.seen_low),
                             .high = std::max(seen_.high, seen_.seen_high),
                             .counts = std::vector<int64_t>(bins)};
    counts_ = true;
  }
  /// Whether it quantizes, as far as can be told.
  bool quantizes() const {
    return any_ && !only_watches_ && (has_grid_ || (changes_ && levels_.size() <= most_levels));
  }
  Activation result() const {
    Activation result = seen_;
    if (values_ > 0) result.clipped = static_cast<double>(outside_) / static_cast<double>(values_);
    return result;
  }

 private:
  void find_ends(const Tensor& x, const Tensor& y) {
    const Extent ends = extent(x.values());
    seen_.seen_low = any_ ? std::min(seen_.seen_low, ends.low) : ends.low;
    seen_.seen_high = any_ ? std::max(seen_.seen_high, ends.high) : ends.high;
    any_ = true;
    if (has_grid_) return;
    changes_ = changes_ || !std::equal(x.values().begin(), x.values().end(), y.values().begin());
    for (const float value : y.values()) {
      if (levels_.size() > most_levels) break;
      levels_.insert(value);
    }
  }

  void count(const Tensor& x) {
    const Histogram more = histogram(x.values(), seen_.values.low, seen_.values.high, bins);
    for (size_t i = 0; i < more.counts.size(); ++i) seen_.values.counts[i] += more.counts[i];
    seen_.values.zeros += more.zeros;
    for (const float value : x.values()) outside_ += value < seen_.low || value > seen_.high;
    values_ += x.size();
  }

  std::shared_ptr<nn::ActivationTransform> inner_;
  Activation seen_;
  std::set<float> levels_;  // what comes out, of one without a range; a few more than `most_levels`
  int64_t values_ = 0, outside_ = 0;
  bool has_grid_ = false, only_watches_ = false, any_ = false, changes_ = false, counts_ = false;
};

/// Spies at every activation that has a transform, for as long as it lives.
class Spies {
 public:
  explicit Spies(nn::Module& model) {
    model.for_each_module([&](const std::string& path, nn::Module& module) {
      nn::ModuleRecord& record = *module.record();
      const std::string in_front = path.empty() ? "input" : "input of " + path;
      if (record.input_transform) place(in_front, record.input_transform);
      if (record.output_transform) place(path.empty() ? "output" : path, record.output_transform);
    });
  }
  ~Spies() {
    for (const Replaced& replaced : replaced_) *replaced.place = replaced.original;
  }
  Spies(const Spies&) = delete;
  Spies& operator=(const Spies&) = delete;

  const std::vector<std::shared_ptr<Spy>>& all() const { return all_; }

 private:
  struct Replaced {
    std::shared_ptr<nn::ActivationTransform>* place;  // in the record of its module
    std::shared_ptr<nn::ActivationTransform> original;
  };
  void place(const std::string& name, std::shared_ptr<nn::ActivationTransform>& at) {
    replaced_.push_back({&at, at});
    all_.push_back(std::make_shared<Spy>(name, at));
    at = all_.back();
  }

  std::vector<std::shared_ptr<Spy>> all_;
  std::vector<Replaced> replaced_;
};

}  // namespace

std::vector<Activation> activations(nn::Module& model, const datasets::DatasetPtr& pictures,
                                    int64_t count) {
  const nn::EvaluationMode evaluation(model);
  const NoGrad no_grad;
  const FlushDenormals flush;
  const Spies spies(model);
  if (spies.all().empty()) return {};
  constexpr int64_t batch = 64;
  // Shuffled: folders have their pictures class by class.
  datasets::Loader loader(pictures, {.batch = batch, .shuffle = true});
  const auto show = [&] {
    loader.start_epoch(0);
    int64_t seen = 0;
    for (Batch each; seen < count && loader.next(each); seen += each.images.shape()[0])
      model(each.images);
  };
  show();
  for (const auto& spy : spies.all()) spy->begin_to_count();
  show();
  std::vector<Activation> result;
  for (const auto& spy : spies.all()) {
    if (spy->quantizes()) result.push_back(spy->result());
  }
  return result;
}

}  // namespace espalier::report
