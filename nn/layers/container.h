#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "espalier/nn/module.h"

namespace espalier::nn {

/// Layers with their names, as a builder collects them.
using NamedLayers = std::vector<std::pair<std::string, std::unique_ptr<Module>>>;

/// What layers made of layers have in common: how layers get into them. `Derived` is the layer
/// itself, so that calls of `add` can be chained.
template <class Derived>
class Container : public Module {
 public:
  /// \throws Error if there is a layer of that name
  template <std::derived_from<Module> Layer>
  Derived& add(std::string name, Layer layer) {
    return add(std::move(name), std::unique_ptr<Module>(new Layer(std::move(layer))));
  }
  Derived& add(std::string name, std::unique_ptr<Module> layer) {
    add_child(std::move(name), std::move(layer));
    return static_cast<Derived&>(*this);
  }

  int64_t size() const { return static_cast<int64_t>(children().size()); }
  Module& operator[](int64_t position) { return *children()[static_cast<size_t>(position)]; }

 protected:
  using Module::Module;

  void add_all(NamedLayers layers) {
    for (auto& [name, layer] : layers) add(name, std::move(layer));
  }
  /// Calls the layers by their position.
  template <class... Layers>
  void add_numbered(Layers&&... layers) {
    (add(std::to_string(children().size()), std::forward<Layers>(layers)), ...);
  }
};

/// Whether these are layers that a constructor of `Container` may take over, one after the other.
template <class Container, class... Layers>
concept MovedLayers = sizeof...(Layers) > 0 && (std::derived_from<Layers, Module> && ...) &&
                      (!std::is_lvalue_reference_v<Layers> && ...) &&
                      !(sizeof...(Layers) == 1 && (std::same_as<Layers, Container> && ...));

}  // namespace espalier::nn
