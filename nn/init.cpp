#include "espalier/nn/init.h"

#include <cmath>

#include "espalier/nn/module.h"

namespace espalier::nn {

StartValues kaiming_uniform(int64_t fan_in, double a) {
  const float bound =
      static_cast<float>(std::sqrt(6.0 / ((1.0 + a * a) * static_cast<double>(fan_in))));
  return [bound](const Shape& shape, const RandomStream& random) {
    return Tensor::generate(shape, [&](int64_t i) {
      return bound * (2.0f * random.uniform(static_cast<uint64_t>(i)) - 1.0f);
    });
  };
}

StartValues constant(float value) {
  return [value](const Shape& shape, const RandomStream&) { return Tensor::full(shape, value); };
}

void initialise(Module& model, uint64_t seed) {
  uint64_t position = 0;
  for (const NamedParameter& named : model.parameters()) {
    named.parameter->restart({}, RandomStream(seed, Purpose::initialisation, position++));
  }
  model.for_each_module([seed](const std::string&, Module& module) {
    module.restart_buffers();
    module.record()->draws = {.seed = seed, .forwards = 0};
  });
}

}  // namespace espalier::nn
