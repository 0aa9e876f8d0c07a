#pragma once

#include "espalier/compress/runtime/kernels/kernels.h"

/// The file of the AVX-512 kernels, compiled over SIMDe, which writes their instructions out in C:
/// any machine shows that they compute what they should.
const espalier::runtime::Kernels& emulated_kernels();
