#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "espalier/report/report_data.h"

/// A report with something of everything, made from formulas.
namespace espalier::report::testing {

inline constexpr int sample_epochs = 8;

inline experiment::EpochMetrics sample_metrics(int epoch, double accuracy, double sparsity) {
  experiment::EpochMetrics metrics;
  metrics.epoch = epoch;
  metrics.step = 600 * (epoch + 1);
  metrics.train_loss = 0.36 / (epoch + 1);
  metrics.accuracy = accuracy;
  metrics.sparsity = sparsity;
  metrics.learning_rate = 0.05 * (1 - epoch / double{sample_epochs});
  metrics.images_per_second = 3300 + 37 * epoch;
  metrics.seconds = 18.25;
  return metrics;
}

/// A bell of `bins` bins between −width and width; nothing below `gap` where weights are pruned.
inline Histogram bell(double width, double gap, int bins, double most) {
  Histogram histogram{.low = -width, .high = width, .counts = {}, .zeros = gap > 0 ? 400000 : 0};
  for (int i = 0; i < bins; ++i) {
    const double x = -width + 2 * width * (i + 0.5) / bins;
    const double count = most * std::exp(-8 * (x / width) * (x / width));
    histogram.counts.push_back(std::abs(x) < gap ? 0 : std::llround(count));
  }
  return histogram;
}

inline Picture stripes(int width, int height, uint8_t left_out) {
  Picture picture{.width = width, .height = height, .channels = 1, .pixels = {}};
  for (int i = 0; i < width * height; ++i) {
    const int x = i % width, y = i / width;
    picture.pixels.push_back((x * x + 3 * y) % 7 == 0 ? uint8_t{255} : left_out);
  }
  return picture;
}

inline Layer sample_layer(const std::string& name, int64_t weights, int64_t nonzero) {
  Layer layer;
  layer.name = name;
  layer.type = "Linear";
  layer.shape = {500, weights / 500};
  layer.weights = weights;
  layer.nonzero = nonzero;
  layer.bits = 8;
  layer.bytes = nonzero + 40;
  layer.macs = weights;
  layer.time_us = static_cast<double>(weights) / 4000;
  layer.before = bell(0.2, 0, 41, 40000);
  layer.after = bell(0.2, 0.08, 41, 40000);
  layer.threshold = 0.08;
  layer.grid = {-0.2, -0.1, 0, 0.1, 0.2};
  layer.mask = MaskPictures{.mask = stripes(40, 30, 0),
                            .died = stripes(40, 30, 3),
                            .came_back = 0,
                            .legend = "A row for each output."};
  for (int epoch = 0; epoch < sample_epochs; ++epoch) {
    layer.sparsity.push_back(std::min(0.99, 0.2 * epoch));
  }
  return layer;
}

inline Run sample_run(const std::string& name) {
  Run run;
  run.name = name;
  run.model = "lenet5";
  run.data = "mnist";
  run.algorithms = "AGPruner, QATQuantizer";
  run.accuracy_of = "test pictures";
  run.dense = Figures{.accuracy = 0.9921,
                      .file_bytes = 1724320,
                      .weights = 430500,
                      .nonzero = 430500,
                      .bits = 32,
                      .macs = 2293000,
                      .nonzero_macs = 2293000,
                      .latency_us = 310.5};
  run.dense_from = "runs/quickstart/dense";
  run.compressed = {.accuracy = 0.9912,
                    .file_bytes = 5156,
                    .weights = 430500,
                    .nonzero = 4305,
                    .bits = 8,
                    .macs = 2293000,
                    .nonzero_macs = 120000,
                    .latency_us = 41.2};
  for (int epoch = 0; epoch < sample_epochs; ++epoch) {
    const double sparsity = std::min(0.99, 0.2 * epoch);
    run.epochs.push_back(
        {sample_metrics(epoch, 0.9912 - 0.02 / (epoch + 1) + 0.0025, sparsity), sparsity});
    run.dense_epochs.push_back({sample_metrics(epoch, 0.9921 - 0.018 / (epoch + 1), 0), {}});
  }
  run.epochs.back().metrics.accuracy = 0.9912;
  run.events = {{1, "mask", "masks begin (AGPruner)"},
                {6, "mask", "masks stay as they are"},
                {6.5, "quantize", "activations are quantized"}};
  run.layers = {sample_layer("fc1", 400000, 3000), sample_layer("fc2", 5000, 1200)};
  run.layers.back().mask.reset();
  run.activations = {{.layer = "fc1",
                      .low = 0,
                      .high = 4.2,
                      .bits = 8,
                      .seen_low = -1,
                      .seen_high = 5.1,
                      .clipped = 0.0123,
                      .values = bell(3, 0, 30, 900)}};
  run.confusion = Confusion{{"cat", "dog", "tree"}, {{95, 4, 1}, {7, 93, 0}, {0, 0, 100}}};
  run.lost = {{stripes(28, 28, 40), "cat", "cat", "dog", 17},
              {stripes(28, 28, 90), "dog", "dog", "cat", 230}};
  run.lost_in_all = 12;
  run.won_in_all = 3;
  run.config = "model: lenet5\nepochs: 8\noptimizer:\n  SGD: {lr: 0.05, momentum: 0.9}\n";
  run.seed = 7;
  run.machine = "2 threads, avx512 kernels, with oneDNN";
  run.version = "0.1.0";
  run.commands = {"espalier train runs/" + name + "/config.yaml"};
  run.missing = {"Times of single layers were not measured: leave --no-latency out."};
  return run;
}

}  // namespace espalier::report::testing
