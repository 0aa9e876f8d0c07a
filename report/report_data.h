#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/experiment/epoch_metrics.h"

/// What a report shows, as plain values. Collecting them (collect.h) knows runs and networks but
/// not pages; writing the page (page.h) knows this file alone.
namespace espalier::report {

/// A network as a whole. What was not to be had is empty and is not shown.
struct Figures {
  std::optional<double> accuracy;    ///< a fraction of the test pictures
  int64_t file_bytes = 0;            ///< of its exported file, or of its float32 parameters
  int64_t weights = 0, nonzero = 0;  ///< of all layers that compressors may take
  double bits = 32;                  ///< of a weight, on average
  int64_t macs = 0;                  ///< multiply-adds of one picture, all of them
  int64_t nonzero_macs = 0;          ///< those with a weight that is not zero
  std::optional<double> latency_us;  ///< one picture, one thread, measured on this machine
};

/// One epoch: its line of metrics.jsonl and what the schedule wanted.
struct Epoch {
  experiment::EpochMetrics metrics;
  std::optional<double> target_sparsity;  ///< of all counted weights, as `metrics.sparsity`
};

/// Something that happened at a time: masks begin or end, quantization begins, channels removed.
struct Event {
  double epoch = 0;  ///< from the start; 2.5 is the middle of the third epoch
  std::string kind;  ///< `mask`, `quantize`, `remove`, `stop`
  std::string text;  ///< a few words
};

/// Counts of values in bins of equal width between `low` and `high`.
struct Histogram {
  double low = 0, high = 0;
  std::vector<int64_t> counts;
  int64_t zeros = 0;  ///< values that are exactly 0; they are in no bin
};

/// A grey or colour picture, rows of pixels of `channels` bytes each.
struct Picture {
  int width = 0, height = 0, channels = 1;
  std::vector<uint8_t> pixels;
};

/// What became of the weights of one layer, as pictures: kernels as tiles, or rows and columns, a
/// pixel for each weight. Both have one channel and are of the same size, at most 1024×1024: of a
/// larger layer they show a part, which `legend` says. Channels that have been removed still have
/// their places where there is a record of them.
struct MaskPictures {
  static constexpr uint8_t masked = 0, gap = 128, kept = 255;  ///< pixels of `mask`
  /// Pixels of `died`; the others are the number of the epoch, from 0 and at most
  /// `latest_death`, at whose end the weight was masked and since when it has been so.
  static constexpr uint8_t latest_death = 253, no_weight = 254, alive = 255;

  Picture mask;
  std::optional<Picture> died;  ///< only where the training has recorded it
  int64_t came_back = 0;  ///< weights that were masked at the end of an epoch and are not any more
  std::string legend;     ///< how weights stand in it: "a tile of 5×5 for each input (column) and
                          ///< output (row)"
};

/// A quantized activation: where its values lie on its grid.
struct Activation {
  std::string layer;
  double low = 0, high = 0;  ///< the grid's ends
  int bits = 8;
  double seen_low = 0, seen_high = 0;  ///< the values' ends, on some pictures
  double clipped = 0;  ///< the fraction of values more than half a step outside of the grid
  Histogram values;
};

/// One layer.
struct Layer {
  std::string name, type;            ///< `block1.conv2`, `Conv2d`
  std::vector<int64_t> shape;        ///< of its weight
  std::vector<int64_t> dense_shape;  ///< before channels were removed; empty: none were
  int64_t weights = 0, nonzero = 0;
  double bits = 32;
  int64_t bytes = 0;  ///< in the exported file, or as float32
  int64_t macs = 0;
  std::optional<double> time_us;    ///< of one picture: the layer alone, in a network of its own
  std::optional<Histogram> before;  ///< the weights of the dense network
  std::optional<Histogram> after;   ///< what the layer computes with
  std::optional<double> threshold;  ///< the smallest magnitude that is left of a pruned layer
  std::vector<double>
      grid;  ///< values a quantized weight may take; of the first output channel, at most 256
  std::optional<MaskPictures> mask;
  std::vector<double> sparsity;  ///< at the end of each epoch
};

/// A picture that the dense network knew and the compressed one does not.
struct Lost {
  Picture picture;
  std::string truth, dense, compressed;  ///< names of classes
  int64_t index = 0;                     ///< in the test set
};

/// Answers on the test pictures: `counts[truth][answer]`.
struct Confusion {
  std::vector<std::string> classes;
  std::vector<std::vector<int64_t>> counts;
};

/// One run.
struct Run {
  std::string name;         ///< of its folder
  std::string model, data;  ///< `lenet5`, `fashion-mnist`
  std::string algorithms;   ///< `AGPruner, QATQuantizer`; `no compression`
  std::string accuracy_of;  ///< `test pictures` or `held-out training pictures`
  bool finished = true;
  std::optional<Figures> dense;  ///< the same network before compression, or trained without it
  std::string dense_from;        ///< where that comes from: `runs/quickstart/dense`
  Figures compressed;
  std::vector<Epoch> epochs;
  std::vector<Epoch> dense_epochs;  ///< of the dense training in the same folder
  std::vector<Event> events;
  std::vector<Layer> layers;
  std::vector<Activation> activations;
  std::optional<Confusion> confusion;
  std::vector<Lost> lost;  ///< the first few
  int64_t lost_in_all = 0;
  int64_t won_in_all = 0;  ///< the other way round
  std::string config;      ///< config.yaml as run
  uint64_t seed = 0;
  std::string machine, version;
  std::vector<std::string> commands;  ///< that train it again
  std::vector<std::string> missing;   ///< sentences: what the report lacks and how to get it
};

/// All that one page shows: one run in depth, or several side by side.
struct Report {
  std::vector<Run> runs;
};

}  // namespace espalier::report
