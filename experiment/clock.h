#pragma once

#include "espalier/compress/config/map_reader.h"
#include "espalier/nn/optim/schedule_end.h"

namespace espalier::experiment {

/// `unit: epoch` or `unit: step`: what the times beside it count. The algorithms of compression
/// read the same words.
inline nn::TimeUnit read_unit(compress::MapReader& reader) {
  return reader.choice("unit", {"epoch", "step"}, "epoch",
                       "What times count: epochs, or optimizer steps over the whole training.") ==
                 "epoch"
             ? nn::TimeUnit::epoch
             : nn::TimeUnit::step;
}

}  // namespace espalier::experiment
