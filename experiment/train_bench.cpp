#include "espalier/experiment/train_bench.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/registry.h"
#include "espalier/nn/loss.h"
#include "espalier/nn/optim/sgd.h"

namespace espalier::experiment {
namespace {

constexpr int warm_up_steps = 5;
constexpr uint64_t batch_count = 8;

Batch random_batch(const Shape& sample, int64_t size, int64_t classes, uint64_t number) {
  const RandomStream pixels(0, Purpose::synthetic, number, 0);
  const RandomStream labels(0, Purpose::synthetic, number, 1);
  std::vector<int64_t> extents{size};
  extents.insert(extents.end(), sample.begin(), sample.end());
  std::vector<int32_t> drawn;
  for (uint64_t i = 0; i < static_cast<uint64_t>(size); ++i) {
    drawn.push_back(static_cast<int32_t>(labels.below(i, static_cast<uint64_t>(classes))));
  }
  return {Tensor::generate(Shape(std::span<const int64_t>(extents)),
                           [&](int64_t i) { return pixels.normal(static_cast<uint64_t>(i)); }),
          Labels(drawn)};
}

/// A network in training, warm, with its engine.
class Training {
 public:
  /// \param measure  chooses kernels by measuring them
  explicit Training(const TrainBench& bench, bool measure = false)
      : engine_({.threads = bench.threads}) {
    const EngineScope scope(engine_);
    for (const auto& [operation, kernel] : bench.kernels) engine_.plan().choose(operation, kernel);
    engine_.plan().measure(measure);
    net_.emplace(bench.model.make());
    compressors_ = compress::Registry::with_builtin().make_all(bench.compress);
    for (const auto& compressor : compressors_) (*compressor)(*net_, bench.model.sample);
    optimizer_.emplace(*net_, nn::SGD::Options{.lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4});
    for (uint64_t i = 0; i < batch_count; ++i) {
      batches_.push_back(random_batch(bench.model.sample, bench.batch, bench.model.classes, i));
    }
    for (int i = 0; i < warm_up_steps; ++i) step();
    engine_.plan().measure(false);
  }

  const KernelPlan& plan() { return engine_.plan(); }

  /// Trains for about `seconds` and adds what was measured. A window has a step at least.
  void window(double seconds, Speeds& speeds, std::vector<double>& windows) {
    const EngineScope scope(engine_);
    measure_window(seconds, batches_[0].labels.size(), speeds, windows, [&] { step(); });
  }

 private:
  void step() {
    FlushDenormals flush;
    const Batch& now = batches_[number_++ % batches_.size()];
    optimizer_->zero_grad();
    const Tensor loss = nn::cross_entropy((*net_)(now.images), now.labels);
    loss.item();
    loss.backward();
    optimizer_->step();
  }

  Engine engine_;
  std::optional<nn::Sequential> net_;  // these are made on the engine, which must be current first
  std::vector<std::unique_ptr<compress::Compressor>> compressors_;
  std::optional<nn::SGD> optimizer_;
  std::vector<Batch> batches_;
  size_t number_ = 0;
};

}  // namespace

Speeds TrainBench::run() const {
  Training training(*this);
  Speeds speeds;
  std::vector<double> windows;
  std::optional<Profile::Listening> listening;
  if (profile) listening.emplace(*profile);
  // The last window may be cut short.
  while (speeds.seconds < seconds)
    training.window(std::min(window_seconds, seconds - speeds.seconds), speeds, windows);
  summarise(std::move(windows), speeds);
  return speeds;
}

KernelChoices tune(const TrainBench& bench) {
  Training training(bench, true);
  return {training.plan().choices().begin(), training.plan().choices().end()};
}

Comparison compare(const TrainBench& a, const TrainBench& b, int windows, double seconds) {
  Training training_a(a), training_b(b);
  Comparison result;
  std::vector<double> windows_a, windows_b, ratios;
  const ProcessorTime before = processor_time();
  for (int i = 0; i < windows; ++i) {
    training_a.window(seconds, result.a, windows_a);
    training_b.window(seconds, result.b, windows_b);
    ratios.push_back(windows_b.back() / windows_a.back());
  }
  const ProcessorTime after = processor_time();
  summarise(std::move(windows_a), result.a);
  summarise(std::move(windows_b), result.b);
  std::sort(ratios.begin(), ratios.end());
  result.ratio = median_of(ratios);
  result.lower = ratios[ratios.size() / 4];
  result.upper = ratios[ratios.size() - 1 - ratios.size() / 4];
  const double all = after.all - before.all;
  result.stolen = all > 0 ? (after.stolen - before.stolen) / all : 0;
  return result;
}

}  // namespace espalier::experiment
