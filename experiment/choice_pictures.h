#pragma once

#include <cstdint>
#include <optional>

#include "espalier/datasets/dataset.h"
#include "espalier/experiment/train_config.h"

namespace espalier::experiment {

/// Training pictures to choose settings with, such as how much of each layer is pruned: never those
/// of the test, which is to judge what was chosen.
struct ChoicePictures {
  datasets::DatasetPtr pictures;
  bool held_out = false;  ///< the network is not trained on them
};

/// The pictures that the configuration holds out or, if it holds none out, the last 5,000 training
/// pictures, a tenth of all at most.
/// \param samples  so many instead, the last ones
/// \throws Error when there are not so many
ChoicePictures choice_pictures(const TrainConfig& config, const TrainingData& data,
                               std::optional<int64_t> samples = {});

}  // namespace espalier::experiment
