#pragma once

#include "espalier/compress/runtime/kernels/kernels.h"

/// The AVX-512 kernels with each of its instructions written out in C++: on any machine they show
/// that layouts, groups and windows of that instruction set are right.
const espalier::runtime::Kernels& emulated_kernels();
