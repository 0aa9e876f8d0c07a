#include "espalier/experiment/inference_bench.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/random.h"
#include "espalier/autograd/graph.h"
#include "espalier/experiment/exported_file.h"
#include "espalier/experiment/recorded_run.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::experiment {
namespace {

constexpr int warm_up_calls = 5;

template <class Call>
Speeds measured(const InferenceBench& bench, const Call& call) {
  for (int i = 0; i < warm_up_calls; ++i) call();
  Speeds speeds;
  std::vector<double> windows;
  while (speeds.seconds < bench.seconds) {
    measure_window(std::min(window_seconds, bench.seconds - speeds.seconds), bench.batch, speeds,
                   windows, call);
  }
  summarise(std::move(windows), speeds);
  return speeds;
}

Speeds of_file(const InferenceBench& bench) {
  ExportedFile file(bench.network);
  const std::vector<uint8_t> pixels = random_pixels(file, bench.batch);
  return measured(bench, [&] { file.scores(pixels, static_cast<int>(bench.batch)); });
}

Speeds of_run(const InferenceBench& bench) {
  RecordedRun run = read_run(bench.network);
  if (!run.has_weights)
    throw Error("bench infer", "'" + bench.network + "' has no weights: no epoch is finished");
  std::vector<int64_t> extents{bench.batch};
  const Shape& sample = run.config.model.sample;
  extents.insert(extents.end(), sample.begin(), sample.end());
  const RandomStream random(0, Purpose::synthetic);
  const Tensor x = Tensor::generate(Shape(std::span<const int64_t>(extents)), [&](int64_t i) {
    return random.normal(static_cast<uint64_t>(i));
  });
  const nn::EvaluationMode evaluation(run.model);
  const NoGrad no_grad;
  const FlushDenormals flush;
  return measured(bench, [&] { run.model(x); });
}

}  // namespace

std::vector<uint8_t> random_pixels(const ExportedFile& file, int64_t batch) {
  const RandomStream random(0, Purpose::synthetic);
  std::vector<uint8_t> pixels(static_cast<size_t>(batch * file.model().input_size()));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(random.below(i, 256));
  return pixels;
}

Speeds InferenceBench::run() const {
  Engine engine({.threads = threads});
  const EngineScope scope(engine);
  return std::filesystem::is_directory(network) ? of_run(*this) : of_file(*this);
}

}  // namespace espalier::experiment
