#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// Layers one behind the other. Layers are moved in; unnamed ones are called by their position.
///
///     Sequential net{Flatten(), Linear({.in = 784, .out = 10})};     // layers "0", "1"
///     Sequential net;
///     net.add("flat", Flatten()).add("fc", Linear({.in = 784, .out = 10}));
class Sequential : public Module {
 public:
  Sequential() : Module("Sequential") {}

  template <std::derived_from<Module>... Layers>
  requires(sizeof...(Layers) > 0 && (!std::is_lvalue_reference_v<Layers> && ...) &&
           !(sizeof...(Layers) == 1 &&
             (std::same_as<Layers, Sequential> && ...))) explicit Sequential(Layers&&... layers)
      : Sequential() {
    (add(std::to_string(children().size()), std::forward<Layers>(layers)), ...);
  }

  /// \throws Error if there is a layer of that name
  template <std::derived_from<Module> Layer>
  Sequential& add(std::string name, Layer layer) {
    add_child(std::move(name), std::make_unique<Layer>(std::move(layer)));
    return *this;
  }

  int64_t size() const { return static_cast<int64_t>(children().size()); }
  Module& operator[](int64_t position) { return *children()[static_cast<size_t>(position)]; }

 private:
  Tensor forward(const Tensor& x) override;
};

}  // namespace espalier::nn
