#pragma once

#include <utility>

#include "espalier/nn/layers/container.h"

namespace espalier::nn {

/// Layers one behind the other. Layers are moved in; unnamed ones are called by their position.
///
///     Sequential net{Flatten(), Linear({.in = 784, .out = 10})};     // layers "0", "1"
///     Sequential net;
///     net.add("flat", Flatten()).add("fc", Linear({.in = 784, .out = 10}));
///
/// Where a batch normalisation is followed by a ReLU, both are computed in one pass over memory
/// (see `Fusion`); no result depends on it.
class Sequential : public Container<Sequential> {
 public:
  Sequential() : Container("Sequential") {}
  explicit Sequential(NamedLayers layers) : Sequential() { add_all(std::move(layers)); }
  template <class... Layers>
  requires MovedLayers<Sequential, Layers...>
  explicit Sequential(Layers&&... layers) : Sequential() {
    add_numbered(std::forward<Layers>(layers)...);
  }

 private:
  Tensor forward(const Tensor& x) override;
  Tensor forward_fused(const Tensor& x, Fusion& fusion) override;
};

}  // namespace espalier::nn
