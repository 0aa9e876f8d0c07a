#include "espalier/nn/layers/pool.h"

namespace espalier::nn {

MaxPool2d::MaxPool2d(const Options& options) : Module("MaxPool2d"), options_(options) {}

Tensor MaxPool2d::forward(const Tensor& x) {
  return max_pool2d(x, options_);
}

}  // namespace espalier::nn
