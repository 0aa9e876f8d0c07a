#pragma once

#include <utility>

#include "espalier/nn/layers/container.h"

namespace espalier::nn {

/// Branches side by side: each computes from the same input, and their results are joined along the
/// channels, in order (`espalier::concat`). A branch of several layers is a `Sequential`; unnamed
/// branches are called by their position.
///
///     Concat{Conv2d({.in = 8, .out = 4, .kernel = 1}), Sequential{…}};
class Concat : public Container<Concat> {
 public:
  Concat() : Container("Concat") {}
  explicit Concat(NamedLayers branches) : Concat() { add_all(std::move(branches)); }
  template <class... Branches>
  requires MovedLayers<Concat, Branches...>
  explicit Concat(Branches&&... branches) : Concat() {
    add_numbered(std::forward<Branches>(branches)...);
  }

 private:
  Tensor forward(const Tensor& x) override;
};

}  // namespace espalier::nn
