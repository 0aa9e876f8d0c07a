#include "espalier/experiment/layers/builtin.h"
#include "espalier/experiment/layers/layer_reader.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/linear.h"

namespace espalier::experiment {
namespace {

LayerPlan read_conv2d(LayerReader& reader) {
  nn::Conv2d::Options o;
  o.in = reader.in(reader.picture()[2]);
  o.groups = reader.groups(o.in);
  // A depthwise convolution filters each channel, and mostly keeps their number.
  const bool depthwise = o.groups == o.in && o.in > 1;
  o.out = reader.size("out", depthwise ? std::optional(o.in) : std::nullopt);
  if (o.in % o.groups != 0 || o.out % o.groups != 0) {
    reader.fail("groups", "must divide in = " + std::to_string(o.in) +
                              " and out = " + std::to_string(o.out) + ", which " +
                              std::to_string(o.groups) + " does not");
  }
  o.kernel = reader.size("kernel");
  o.stride = reader.size("stride", 1);
  o.padding = reader.padding();
  o.dilation = reader.size("dilation", 1);
  o.bias = reader.boolean("bias", true);
  const Shape places = reader.windows({o.kernel, o.stride, o.padding, o.dilation});
  reader.check_weights(static_cast<double>(o.out) * static_cast<double>(o.kernel) *
                       static_cast<double>(o.kernel) * static_cast<double>(o.in / o.groups));
  return {{places[0], places[1], o.out}, [o] { return std::make_unique<nn::Conv2d>(o); }};
}

LayerPlan read_linear(LayerReader& reader) {
  nn::Linear::Options o;
  o.in = reader.in(reader.row());
  o.out = reader.size("out");
  o.bias = reader.boolean("bias", true);
  reader.check_weights(static_cast<double>(o.in) * static_cast<double>(o.out));
  return {{o.out}, [o] { return std::make_unique<nn::Linear>(o); }};
}

LayerPlan read_batch_norm2d(LayerReader& reader) {
  nn::BatchNorm2d::Options o;
  o.channels = reader.in(reader.channels());
  o.momentum = reader.number("momentum", {.min = 0, .max = 1, .fallback = o.momentum});
  o.epsilon = reader.number("epsilon", {.above = 0, .fallback = o.epsilon});
  return {reader.input(), [o] { return std::make_unique<nn::BatchNorm2d>(o); }};
}

}  // namespace

void add_weighted_layers(LayerKinds& kinds) {
  kinds.add({"Conv2d", "out, kernel, stride, padding, dilation, groups, bias, in: convolution",
             "conv", read_conv2d});
  kinds.add({"Linear", "out, bias, in: fully connected", "fc", read_linear});
  kinds.add(
      {"BatchNorm2d", "momentum, epsilon, in: normalises each channel", "bn", read_batch_norm2d});
}

}  // namespace espalier::experiment
