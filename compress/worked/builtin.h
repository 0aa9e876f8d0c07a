#pragma once

#include "espalier/compress/worked_example.h"

/// The worked examples of this library's algorithms, a file each.
namespace espalier::compress::worked {

WorkedExample level_pruner();

}  // namespace espalier::compress::worked
