#include "espalier/experiment/train_bench.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/nn/loss.h"
#include "espalier/nn/optim/sgd.h"

namespace espalier::experiment {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int warm_up_steps = 5;
constexpr uint64_t batch_count = 8;
constexpr double window_seconds = 0.5;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

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

}  // namespace

Speeds TrainBench::run() const {
  nn::Sequential net = model.make();
  nn::SGD optimizer(net, {.lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4});
  std::vector<Batch> batches;
  for (uint64_t i = 0; i < batch_count; ++i) {
    batches.push_back(random_batch(model.sample, batch, model.classes, i));
  }
  const auto step = [&](int64_t number) {
    FlushDenormals flush;
    const Batch& now = batches[static_cast<size_t>(number) % batches.size()];
    optimizer.zero_grad();
    const Tensor loss = nn::cross_entropy(net(now.images), now.labels);
    const float value = loss.item();
    loss.backward();
    optimizer.step();
    return value;
  };
  for (int64_t i = 0; i < warm_up_steps; ++i) step(i);

  std::optional<Profile::Listening> listening;
  if (profile) listening.emplace(*profile);
  Speeds speeds;
  std::vector<double> windows;
  const Clock::time_point start = Clock::now();
  while (speeds.seconds < seconds) {
    const Clock::time_point window = Clock::now();
    // A last window may be cut short, but has a step at least.
    const double length = std::min(window_seconds, seconds - speeds.seconds);
    int64_t images = 0;
    double passed = 0;
    for (; passed < length; passed = seconds_since(window)) {
      step(speeds.steps++);
      images += batch;
    }
    windows.push_back(static_cast<double>(images) / passed);
    speeds.seconds = seconds_since(start);
  }
  std::sort(windows.begin(), windows.end());
  const size_t half = windows.size() / 2;
  speeds.median = windows.size() % 2 == 1 ? windows[half] : (windows[half - 1] + windows[half]) / 2;
  speeds.min = windows.front();
  speeds.max = windows.back();
  speeds.windows = static_cast<int64_t>(windows.size());
  return speeds;
}

}  // namespace espalier::experiment
