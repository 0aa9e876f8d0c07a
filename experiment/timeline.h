#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/experiment/experiment.h"

namespace espalier::experiment {

/// Something that happens at a step of a training, and the learning rate of that step.
struct TimelineEvent {
  int64_t step;                         ///< from 0, over all epochs
  std::optional<double> learning_rate;  ///< nothing after the end of the training
  std::string what;
};

/// What is going to happen when: learning rate, distillation and all compressors on one clock, in
/// the order of time. Of the compressors these are the options of their rules that end in `_epoch`
/// or `_step`, and when their schedules are through.
std::vector<TimelineEvent> timeline(const Experiment& experiment, int64_t steps_per_epoch);

/// Something that an algorithm does at a step.
struct CompressorEvent {
  int64_t step;  ///< from 0, over all epochs
  bool ends;     ///< something ends with it; else something begins
  std::string what;
};

/// What of that is due to an algorithm, which is attached, in a training of this length. \return in
/// the order of its rules
std::vector<CompressorEvent> compressor_events(const compress::Compressor& compressor,
                                               int64_t epochs, int64_t steps_per_epoch);

}  // namespace espalier::experiment
