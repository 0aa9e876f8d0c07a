// Every pruner with every quantizer on one small network.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

#include "espalier/compress/config/yaml.h"
#include "espalier/compress/pruners/channel_pruner.h"
#include "espalier/compress/quantizer.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/structure/channel_removal.h"
#include "espalier/nn/io/weights.h"
#include "espalier/nn/optim/sgd.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;

namespace {

const std::vector<std::string> pruners{
    "LevelPruner: {config: [{sparsity: 0.6, frequency: 2}]}",
    "AGPruner: {config: [{final_sparsity: 0.6, unit: step, end_step: 5}]}",
    "AGPruner: {config: [{final_sparsity: 0.6, end_epoch: 2, masked_weights: freeze}]}",
    "SensitivityPruner: {config: [{sensitivity: 0.9, end_epoch: 1}]}",
    "L1FilterPruner: {config: [{sparsity: 0.5, multiple: 1}]}",
    "L2FilterPruner: {config: [{sparsity: 0.5, multiple: 2, unit: step, end_step: 4}]}",
    "FPGMPruner: {config: [{sparsity: 0.5, multiple: 1, masked_weights: freeze}]}",
    "TaylorPruner: {config: [{sparsity: 0.5, multiple: 1, scope: global}]}",
};
const std::vector<std::string> quantizers{
    "NaiveQuantizer: {}",
    "QATQuantizer: {config: [{q_bits: 4}]}",
    "QATQuantizer: {config: [{paper: true}]}",
    "QATQuantizer: {config: [{start_epoch: 1}]}",
    "DoReFaQuantizer: {config: [{weight_bits: 1, activation_bits: 2, gradient_bits: 6, "
    "support_op: [conv1, conv2, fc1, fc2]}]}",
    "DoReFaQuantizer: {config: [{weight_bits: 2, start_epoch: 1}]}",
    "DoReFaQuantizer: {config: [{weight_bits: 3, activation_bits: 2}]}",
    "WeightSharingQuantizer: {config: [{q_bits: 2}]}",
    "WeightSharingQuantizer: {config: [{q_bits: 3, init: density, start_epoch: 1}]}",
};

using Compressors = std::vector<std::unique_ptr<Compressor>>;

Compressors make(const std::string& sections) {
  return Registry::with_builtin().make_all(parse_yaml(sections, "test.yaml"));
}

struct Trained {
  nn::Sequential net = four_layers();
  Compressors compressors;

  Trained(const std::string& first, const std::string& second)
      : compressors(make(first + "\n" + second + "\n")) {
    for (const auto& compressor : compressors) (*compressor)(net, {8, 8, 1});
    nn::SGD sgd(net, {.lr = 0.05, .momentum = 0.9});
    for (int i = 0; i < 6; ++i) {
      if (i % 3 == 0) {
        for (const auto& compressor : compressors) compressor->update_epoch(i / 3);
      }
      train_four_layers(net, sgd, static_cast<uint64_t>(i));
    }
    net.eval();
  }
};

}  // namespace

TEST_CASE("combination: masks hold under every quantizer, saving keeps the answers") {
  const std::string path = "/tmp/espalier-combination-" + std::to_string(getpid());
  const Tensor x = normal({5, 8, 8, 1}, 77);
  for (const std::string& pruner : pruners) {
    for (const std::string& quantizer : quantizers) {
      INFO(pruner << " with " << quantizer);
      Trained both(pruner, quantizer);
      const auto& masks = dynamic_cast<Pruner&>(*both.compressors[0]);
      int64_t masked = 0, all = 0;
      for (const LayerInfo& layer : masks.layers()) {
        const Tensor weight = layer.parameter->effective_value();
        const Mask& mask = masks.mask(layer);
        bool zero = true;
        for (int64_t i = 0; i < weight.size(); ++i) zero = zero && (mask[i] || weight[i] == 0);
        CHECK(zero);
        masked += mask.masked();
        all += mask.size();
      }
      if (dynamic_cast<ChannelPruner*>(both.compressors[0].get())) {
        // Half of the inputs and filters: a quarter of the weights is left, of conv1 a half; where
        // all layers are ranked together it may be another share of each.
        CHECK(double(masked) > 0.4 * double(all));
        CHECK(double(masked) < 0.9 * double(all));
        dynamic_cast<Quantizer&>(*both.compressors[1]).check_laws();
        const std::vector<double> before = doubles(both.net(x));
        const bool one_bit = quantizer.find("weight_bits: 1") != std::string::npos;
        // One bit for all weights of a layer is their mean magnitude, masked ones included.
        if (one_bit) continue;
        CHECK(!remove_dead_channels(both.net, {8, 8, 1}, {.masked_only = true}).empty());
        CHECK(largest_difference(doubles(both.net(x)), before) < 0.05);
        continue;
      }
      // erf(0.9/√2) of Gaussian weights is 63 %; those of start values are uniform, of which
      // 0.9/√3 = 52 % lie below 0.9 standard deviations.
      const bool by_threshold = pruner.starts_with("Sensitivity");
      CHECK(double(masked) ==
            Approx((by_threshold ? 0.52 : 0.6) * double(all)).epsilon(by_threshold ? 0.05 : 0.01));
      dynamic_cast<Quantizer&>(*both.compressors[1]).check_laws();

      const std::vector<double> expected = doubles(both.net(x));
      nn::save_weights(both.net, path);
      nn::Sequential loaded = four_layers();
      const Compressors again = make(pruner + "\n" + quantizer + "\n");
      for (const auto& compressor : again) compressor->attach_for_evaluation(loaded);
      nn::load_weights(loaded, path);
      for (const auto& compressor : again) compressor->update_epoch(1);
      loaded.eval();
      CHECK(doubles(loaded(x)) == expected);
    }
  }
  std::remove(path.c_str());
}

TEST_CASE("combination: the order of attaching does not matter") {
  const Tensor x = normal({5, 8, 8, 1}, 77);
  for (const std::string& pruner : pruners) {
    for (const std::string& quantizer : quantizers) {
      INFO(pruner << " with " << quantizer);
      Trained one(pruner, quantizer), other(quantizer, pruner);
      CHECK(doubles(one.net(x)) == doubles(other.net(x)));
    }
  }
}
