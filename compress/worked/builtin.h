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

/// The numbers as weights of 8 bits.
WorkedExample naive_quantizer();
/// The numbers as weights, and as two batches of activations, of 4 bits.
WorkedExample qat_quantizer();
/// The numbers as activations that are seen while calibrating: the three observers side by side.
WorkedExample ptq_quantizer();
/// The numbers as weights of 1 and 2 bits, as activations and as a gradient of 2 bits.
WorkedExample dorefa_quantizer();
/// The numbers as weights that share four values, and a step of training.
WorkedExample weight_sharing_quantizer();

}  // namespace espalier::compress::worked
