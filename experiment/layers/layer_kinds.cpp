#include "espalier/experiment/layers/layer_kinds.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/experiment/layers/builtin.h"

namespace espalier::experiment {

nn::Sequential LayerChain::make() const {
  nn::Sequential net;
  for (const LayerPlan& layer : layers) net.add(layer.name, layer.make());
  return net;
}

compress::Value LayerChain::written() const {
  compress::Value list = compress::Value::list();
  for (const LayerPlan& layer : layers) list.append(layer.written);
  return list;
}

LayerKinds LayerKinds::with_builtin() {
  LayerKinds kinds;
  add_weighted_layers(kinds);
  add_activations(kinds);
  add_pooling(kinds);
  add_containers(kinds);
  return kinds;
}

void LayerKinds::add(LayerKind kind) {
  if (find(kind.name)) {
    throw Error("layers", "there is a layer type named '" + kind.name + "' already");
  }
  entries_.push_back(std::move(kind));
}

const LayerKind* LayerKinds::find(const std::string& name) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const LayerKind& kind) { return kind.name == name; });
  return found == entries_.end() ? nullptr : &*found;
}

std::vector<std::string> LayerKinds::names() const {
  std::vector<std::string> names;
  for (const LayerKind& kind : entries_) names.push_back(kind.name);
  return names;
}

}  // namespace espalier::experiment
