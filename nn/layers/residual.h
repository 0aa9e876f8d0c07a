#pragma once

#include "espalier/nn/layers/sequential.h"

namespace espalier::nn {

/// y = body(x) + shortcut(x) (He et al., arXiv 1512.03385, equations 1 and 2). Without layers in
/// the shortcut it is x itself. The layers of the body are direct children (`block2.conv1`), those
/// of the shortcut lie below `shortcut` (`block2.shortcut.conv`). A ReLU behind the sum is a layer
/// of whatever the block stands in.
///
///     Residual block;
///     block.add("conv1", Conv2d({.in = 16, .out = 16, .kernel = 3, .padding = 1}))
///         .add("bn1", BatchNorm2d({.channels = 16}));
///     Residual{Sequential{Conv2d(…), BatchNorm2d(…)}, Sequential{Conv2d(…)}};   // layers "0", "1"
///
/// Where the body ends in a batch normalisation, the sum and a ReLU behind it are computed in the
/// same pass over memory (see `Fusion`).
class Residual : public Module {
 public:
  /// Takes over the layers of both.
  /// \throws Error for a body layer called `shortcut`
  explicit Residual(Sequential body = {}, Sequential shortcut = {});
  explicit Residual(NamedLayers body, NamedLayers shortcut = {});

  /// Adds a layer to the end of the body. \throws Error if there is a layer of that name
  template <std::derived_from<Module> Layer>
  Residual& add(std::string name, Layer layer) {
    return add(std::move(name), std::unique_ptr<Module>(new Layer(std::move(layer))));
  }
  Residual& add(std::string name, std::unique_ptr<Module> layer);

  /// Adds a layer to the end of the shortcut.
  template <std::derived_from<Module> Layer>
  Residual& add_to_shortcut(std::string name, Layer layer) {
    shortcut_->add(std::move(name), std::move(layer));
    return *this;
  }

 private:
  Tensor forward(const Tensor& x) override;
  Tensor forward_fused(const Tensor& x, Fusion& fusion) override;
  Sequential* shortcut_;  // the first child
};

}  // namespace espalier::nn
