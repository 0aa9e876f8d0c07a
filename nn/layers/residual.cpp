#include "espalier/nn/layers/residual.h"

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/nn/layers/fusion.h"

namespace espalier::nn {

Residual::Residual(Sequential body, Sequential shortcut) : Module("Residual") {
  shortcut_ = static_cast<Sequential*>(
      &add_child("shortcut", std::make_unique<Sequential>(std::move(shortcut))));
  for (auto& layer : body.record()->children) {
    std::string name = layer->name();
    add(std::move(name), std::move(layer));
  }
}

Residual::Residual(NamedLayers body, NamedLayers shortcut)
    : Residual(Sequential(std::move(body)), Sequential(std::move(shortcut))) {}

Residual& Residual::add(std::string name, std::unique_ptr<Module> layer) {
  add_child(std::move(name), std::move(layer));
  return *this;
}

Tensor Residual::forward(const Tensor& x) {
  Fusion nothing;
  return forward_fused(x, nothing);
}

Tensor Residual::forward_fused(const Tensor& x, Fusion& fusion) {
  const auto body = std::span(children()).subspan(1);
  if (body.empty()) throw Error("Residual", "the body has no layers");
  // A sum of three would be one too many for a layer; then only our own is asked for.
  const bool relu_behind = fusion.relu && !fusion.residual.defined();
  Fusion sum{.residual = (*shortcut_)(x), .relu = relu_behind};
  const Tensor y = run_layers(body, x, sum);
  if (!sum.done) return espalier::add(y, sum.residual);
  fusion.done = relu_behind;
  return y;
}

}  // namespace espalier::nn
