#pragma once

#include "espalier/compress/worked_example.h"

/// Worked examples of the quantizers. Each attaches the quantizer to a layer of these numbers and
/// tells what it does, with the numbers put into its formulas.
namespace espalier::compress::worked {

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
