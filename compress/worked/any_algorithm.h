#pragma once

#include "espalier/compress/registry.h"
#include "espalier/compress/worked_example.h"

namespace espalier::compress {

/// The worked example of an algorithm: the one it was registered with or, if there is none, one
/// that attaches the algorithm, with the first rule of its example, to a small layer of these
/// weights, and shows what mask and effective value they have at the end of its schedule.
WorkedExample worked_example(const Registry::Entry& algorithm);

}  // namespace espalier::compress
