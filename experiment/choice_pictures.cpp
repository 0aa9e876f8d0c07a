#include "espalier/experiment/choice_pictures.h"

#include <algorithm>

#include "espalier/datasets/subset.h"

namespace espalier::experiment {

ChoicePictures choice_pictures(const TrainConfig& config, const TrainingData& data,
                               std::optional<int64_t> samples) {
  constexpr int64_t enough = 5000;
  ChoicePictures choice{data.evaluation, config.data.hold_out > 0};
  if (!choice.held_out) {
    choice.pictures = data.train;
    if (!samples) samples = std::clamp<int64_t>(data.train->size() / 10, 1, enough);
  }
  if (samples) choice.pictures = datasets::last_samples(choice.pictures, *samples);
  return choice;
}

}  // namespace espalier::experiment
