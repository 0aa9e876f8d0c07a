#pragma once

#include <string>
#include <vector>

#include "espalier/compress/quantizers/dorefa_quantizer.h"
#include "espalier/compress/worked/quantizer_layer.h"
#include "espalier/nn/layers/batch_norm.h"

/// What the parts of DoReFa's worked example share.
namespace espalier::compress::worked {

/// The numbers as the weights of a layer with one output, a quantizer attached to it.
struct DoReFaLayer {
  explicit DoReFaLayer(const std::vector<float>& numbers, std::initializer_list<Member> options,
                       bool batch_norm = true)
      : net(layer_of(Tensor::from({1, std::ssize(numbers)}, numbers))),
        quantizer(rule_of("DoReFaQuantizer", "fc", options)) {
    if (batch_norm) net.add("bn", nn::BatchNorm2d({.channels = 1}));
    quantizer(net);
  }
  Tensor weights() const { return net.parameters()[0].parameter->effective_value(); }
  const LayerInfo& layer() const { return quantizer.layers().front(); }

  nn::Sequential net;
  DoReFaQuantizer quantizer;
};

/// The numbers as activations of 2 bits.
std::string dorefa_activations(const std::vector<float>& numbers);
/// The numbers as the gradient of a sample, of 2 bits.
std::string dorefa_gradients(const std::vector<float>& numbers);

}  // namespace espalier::compress::worked
