#pragma once

#include <optional>

#include "espalier/autograd/mask.h"
#include "espalier/experiment/mask_history.h"
#include "espalier/report/report_data.h"

namespace espalier::report {

/// Pictures of a layer's weights: which of them a mask keeps.
/// \param kept  1 for a weight that is there
MaskPictures mask_pictures(const Mask& kept);

/// The same of a layer whose masks were recorded while it was trained, and when each weight died.
/// Channels that have been removed are dark.
MaskPictures mask_pictures(const experiment::WeightHistory& history);

}  // namespace espalier::report
