#pragma once

#include <map>
#include <string>

#include "espalier/compress/config/value.h"

namespace espalier::experiment {

/// Kernels chosen by name: operation, or problem of one, → kernel; see `KernelPlan`.
using KernelChoices = std::map<std::string, std::string>;

/// Reads `kernels: {conv2d.forward: im2col, …}`, or `kernels: FILE`, a file of such a map, whose
/// path is relative to the file that says so. \throws ConfigError for an operation or a kernel that
/// does not exist
KernelChoices read_kernel_choices(const compress::Value& value);
compress::Value to_value(const KernelChoices& kernels);

}  // namespace espalier::experiment
