#include <string>

#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/models/build.h"

namespace espalier::nn::models {

Sequential vggsmall() {
  Sequential net;
  int64_t in = 3;
  int convolution = 0, stage = 0;
  for (int64_t width : {64, 128, 256}) {
    for (int i = 0; i < 2; ++i) {
      const std::string number = std::to_string(++convolution);
      net.add("conv" + number,
              Conv2d({.in = in, .out = width, .kernel = 3, .padding = 1, .bias = false}))
          .add("bn" + number, BatchNorm2d({.channels = width}))
          .add("relu" + number, ReLU());
      in = width;
    }
    net.add("pool" + std::to_string(++stage), MaxPool2d({.kernel = 2}));
  }
  net.add("flatten", Flatten())
      .add("fc1", Linear({.in = in * 4 * 4, .out = 256}))
      .add("relu7", ReLU())
      .add("fc2", Linear({.in = 256, .out = 10}));
  return net;
}

}  // namespace espalier::nn::models
