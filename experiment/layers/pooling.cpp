#include "espalier/experiment/layers/builtin.h"
#include "espalier/experiment/layers/layer_reader.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/pool.h"

namespace espalier::experiment {
namespace {

/// A layer whose windows slide over the picture; kernel, stride and padding mean the same in all.
template <class Layer>
LayerPlan read_pool(LayerReader& reader) {
  typename Layer::Options o;
  o.kernel = reader.size("kernel");
  o.stride = reader.size("stride", o.kernel);
  o.padding = reader.padding();
  if (2 * o.padding > o.kernel) {
    reader.fail("padding", "must be at most half of kernel = " + std::to_string(o.kernel) +
                               ", not " + std::to_string(o.padding));
  }
  const Shape places = reader.windows({o.kernel, o.stride, o.padding});
  return {{places[0], places[1], reader.picture()[2]}, [o] { return std::make_unique<Layer>(o); }};
}

LayerPlan read_global_avg_pool2d(LayerReader& reader) {
  return {{reader.picture()[2]}, [] { return std::make_unique<nn::GlobalAvgPool2d>(); }};
}

LayerPlan read_flatten(LayerReader& reader) {
  return {{reader.input().elements()}, [] { return std::make_unique<nn::Flatten>(); }};
}

}  // namespace

void add_pooling(LayerKinds& kinds) {
  kinds.add({"MaxPool2d", "kernel, stride, padding: the largest value of each window", "pool",
             read_pool<nn::MaxPool2d>});
  kinds.add({"AvgPool2d", "kernel, stride, padding: the mean of each window", "pool",
             read_pool<nn::AvgPool2d>});
  kinds.add({"GlobalAvgPool2d", "the mean of each channel", "pool", read_global_avg_pool2d});
  kinds.add(
      {"Flatten", "a picture as a row of values, channel outermost", "flatten", read_flatten});
}

}  // namespace espalier::experiment
