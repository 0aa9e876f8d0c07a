#include "espalier/nn/layers/pool.h"

namespace espalier::nn {

MaxPool2d::MaxPool2d(const Options& options) : Module("MaxPool2d"), options_(options) {}

Tensor MaxPool2d::forward(const Tensor& x) {
  return max_pool2d(x, options_);
}

AvgPool2d::AvgPool2d(const Options& options) : Module("AvgPool2d"), options_(options) {}

Tensor AvgPool2d::forward(const Tensor& x) {
  return avg_pool2d(x, options_);
}

GlobalAvgPool2d::GlobalAvgPool2d() : Module("GlobalAvgPool2d") {}

Tensor GlobalAvgPool2d::forward(const Tensor& x) {
  return global_avg_pool2d(x);
}

}  // namespace espalier::nn
