#pragma once

#include "espalier/compress/worked_example.h"

/// The worked examples of this library's algorithms, a file each.
namespace espalier::compress::worked {

// Weights of one layer.
WorkedExample level_pruner();
WorkedExample ag_pruner();
WorkedExample sensitivity_pruner();

// Filters of two weights each, one behind the other.
WorkedExample l1_filter_pruner();
WorkedExample l2_filter_pruner();
WorkedExample fpgm_pruner();

/// The scales γ of two batch normalisations, first all of one and then all of the other.
WorkedExample slim_pruner();
/// Filters of two weights each; behind each weight its gradient.
WorkedExample taylor_pruner();

}  // namespace espalier::compress::worked
