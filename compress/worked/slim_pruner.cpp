#include "espalier/compress/pruners/slim_pruner.h"

#include <fmt/format.h>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/optim/sgd.h"

namespace espalier::compress::worked {
namespace {

constexpr double sparsity = 0.5, lambda = 0.01;
constexpr int steps = 2;

/// Two batch normalisations behind convolutions, and a layer that reads the second.
class NormalisedNet {
 public:
  explicit NormalisedNet(const std::vector<float>& scales) {
    const auto channels = static_cast<int64_t>(scales.size()) / 2;
    net_.add("conv1", nn::Conv2d({.in = 1, .out = channels, .kernel = 1}))
        .add("bn1", nn::BatchNorm2d({.channels = channels}))
        .add("relu1", nn::ReLU())
        .add("conv2", nn::Conv2d({.in = channels, .out = channels, .kernel = 1}))
        .add("bn2", nn::BatchNorm2d({.channels = channels}))
        .add("relu2", nn::ReLU())
        .add("last", nn::Conv2d({.in = channels, .out = 1, .kernel = 1}));
    const std::span<const float> all(scales);
    const auto half = static_cast<size_t>(channels);
    scale(1).load(Tensor::from({channels}, all.first(half)));
    scale(4).load(Tensor::from({channels}, all.last(half)));
  }

  nn::Sequential& net() { return net_; }
  /// Training on pixels that are all the same, which normalised are 0: the loss has no gradient
  /// with respect to a scale, so that what moves it is the penalty alone.
  void pass() { sum(net_(Tensor::zeros({2, 1, 1, 1}))).backward(); }
  std::vector<float> scales() { return both(&nn::Parameter::effective_value); }
  std::vector<float> kept() { return both(&nn::Parameter::kept_by_masks); }

 private:
  nn::Parameter& scale(int64_t position) { return *net_[position].record()->parameters.front(); }
  std::vector<float> both(Tensor (nn::Parameter::*of)() const) {
    std::vector<float> values;
    for (const int64_t position : {1, 4}) {
      const Tensor part = (scale(position).*of)();
      values.insert(values.end(), part.values().begin(), part.values().end());
    }
    return values;
  }
  nn::Sequential net_;
};

std::string work(const std::vector<float>& scales) {
  if (scales.size() < 4 || scales.size() % 2 != 0)
    throw Error("SlimPruner", "needs as many scales of one layer as of the other, two or more");
  NormalisedNet small(scales);
  SlimPruner pruner({{{"sparsity", sparsity},
                      {"lambda", lambda},
                      {"multiple", 1},
                      {"start_epoch", 1},
                      {"support_type", "Conv2d"}}});
  pruner(small.net(), {1, 1, 1});
  nn::SGD sgd(small.net(), {.lr = 1});
  pruner.update_epoch(0);
  for (int step = 0; step < steps; ++step) {
    sgd.zero_grad();
    small.pass();
    sgd.step();
  }
  const std::vector<float> trained = small.scales();
  pruner.update_epoch(1);
  small.pass();

  const size_t half = scales.size() / 2;
  std::vector<std::string> layers, channels;
  for (size_t i = 0; i < scales.size(); ++i) {
    layers.push_back(i < half ? "bn1" : "bn2");
    channels.push_back(std::to_string(i % half + 1));
  }
  const auto n = static_cast<int64_t>(scales.size());
  return fmt::format(
             "{} training steps, learning rate 1, with a loss that no scale changes here.\n"
             "What moves γ is the gradient of the penalty λ·Σ|γ| (equation 1), λ·sign(γ)\n"
             "with λ = {}. Then all {} are ranked together by |γ|, and\n"
             "round({}·{}) = {} go with their channels; one of each layer stays in any case.\n\n",
             steps, lambda, counted(n, "scale"), sparsity, n, masked_count(sparsity, n)) +
         Table()
             .column("layer", layers)
             .column("channel", channels)
             .column("γ", scales, 6)
             .column("γ trained", trained, 6)
             .column("|γ|", magnitudes(trained), 6)
             .column("rank", ranks(trained))
             .column("mask", small.kept())
             .text();
}

}  // namespace

WorkedExample slim_pruner() {
  return {.numbers = {0.9f, 0.05f, 0.7f, -0.6f, 0.4f, 0.08f, 0.5f, -0.03f, 1.1f, 0.3f},
          .what = "scales γ, the first half of one layer and the others of the next, at least four",
          .work = work};
}

}  // namespace espalier::compress::worked
