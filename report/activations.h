#pragma once

#include <cstdint>
#include <vector>

#include "espalier/datasets/dataset.h"
#include "espalier/nn/module.h"
#include "espalier/report/report_data.h"

namespace espalier::report {

/// Runs some pictures through a network in evaluation mode and looks at every activation that a
/// quantizer acts on, before it does: where the values lie on the grid, and how many outside.
///
/// Of quantizers that keep a range, the grid is known. Of others it is what comes out: from the
/// smallest to the largest value, with as many bits as tell the values apart, if those are not more
/// than 256; what only acts on gradients is left out.
/// \param count  how many pictures, taken from all over the data set
std::vector<Activation> activations(nn::Module& model, const datasets::DatasetPtr& pictures,
                                    int64_t count = 256);

}  // namespace espalier::report
