#include "espalier/report/mask_pictures.h"

#include <algorithm>

#include "espalier/report/weight_layout.h"

namespace espalier::report {

using experiment::WeightHistory;

MaskPictures mask_pictures(const Mask& kept) {
  const WeightLayout layout(kept.shape());
  const auto pixel = [&](int64_t weight) {
    return kept[weight] ? MaskPictures::kept : MaskPictures::masked;
  };
  return {.mask = layout.paint(pixel, MaskPictures::gap),
          .died = {},
          .came_back = 0,
          .legend = layout.legend()};
}

MaskPictures mask_pictures(const WeightHistory& history) {
  const WeightLayout layout(history.shape);
  const auto died = [&](int64_t weight) { return history.died[static_cast<size_t>(weight)]; };
  const auto there = [&](int64_t weight) {
    return died(weight) == WeightHistory::alive ? MaskPictures::kept : MaskPictures::masked;
  };
  const auto epoch = [&](int64_t weight) {
    if (died(weight) == WeightHistory::alive) return MaskPictures::alive;
    return static_cast<uint8_t>(std::min<int>(died(weight) - 1, MaskPictures::latest_death));
  };
  return {.mask = layout.paint(there, MaskPictures::gap),
          .died = layout.paint(epoch, MaskPictures::no_weight),
          .came_back = history.came_back,
          .legend = layout.legend()};
}

}  // namespace espalier::report
