#pragma once

#include <memory>
#include <span>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// A request from a container to one of its layers: "compute relu(y + residual) instead of your
/// result y, if you can do so in the same pass over memory". A layer that can (batch normalisation)
/// says that it has `done` so; the others ignore the request, a container hands it to the layer
/// that makes its own result. Whoever asked looks at `done` and computes what was not done.
///
/// Steps of networks with batch normalisation are bound by memory, and each pass saved counts. The
/// request is not made, so that the values in between exist, while a trace is active, and not
/// across a transform or a listener that would see them: behind the layer that is asked, or in
/// front of the one whose work it would do. Layer paths and errors do not depend on it.
struct Fusion {
  Tensor residual = {};  ///< to be added; undefined: nothing
  bool relu = false;     ///< whether max(·, 0) is asked for
  bool done = false;

  bool empty() const { return !residual.defined() && !relu; }
};

/// Runs the layers one behind the other, asking each before a ReLU to do the ReLU's work. The last
/// layer gets the request `fusion`.
Tensor run_layers(std::span<const std::unique_ptr<Module>> layers, const Tensor& x, Fusion& fusion);

}  // namespace espalier::nn
