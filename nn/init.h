#pragma once

#include <cstdint>
#include <functional>

#include "espalier/autograd/core/random.h"
#include "espalier/autograd/tensor.h"

namespace espalier::nn {

class Module;

/// Makes the start value of a parameter of this shape from random numbers.
using StartValues = std::function<Tensor(const Shape& shape, const RandomStream& random)>;

/// Uniform in ±√(6/((1+a²)·fan_in)) (He et al., arXiv 1502.01852, section 2.2; `a` is the slope of
/// a leaky ReLU behind). The default a = √5 gives ±1/√fan_in, which is what PyTorch starts with,
/// for weights as for biases.
StartValues kaiming_uniform(int64_t fan_in, double a = 2.2360679774997896);

/// The same value everywhere.
StartValues constant(float value);

/// Gives every parameter of the model start values drawn for `seed`, and puts buffers back to
/// theirs. Each parameter has random numbers of its own, numbered by its position in the model,
/// whatever was made before.
void initialise(Module& model, uint64_t seed);

}  // namespace espalier::nn
