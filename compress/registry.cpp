#include "espalier/compress/registry.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/sections.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/fpgm_pruner.h"
#include "espalier/compress/pruners/l1_filter_pruner.h"
#include "espalier/compress/pruners/l2_filter_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/pruners/sensitivity_pruner.h"
#include "espalier/compress/pruners/slim_pruner.h"
#include "espalier/compress/pruners/taylor_pruner.h"
#include "espalier/compress/quantizers/dorefa_quantizer.h"
#include "espalier/compress/quantizers/naive_quantizer.h"
#include "espalier/compress/quantizers/ptq_quantizer.h"
#include "espalier/compress/quantizers/qat_quantizer.h"
#include "espalier/compress/quantizers/weight_sharing_quantizer.h"
#include "espalier/compress/worked/builtin.h"

namespace espalier::compress {

Registry Registry::with_builtin() {
  Registry registry;
  registry.add<LevelPruner>(
      "LevelPruner",
      {.description = "masks a fraction of smallest weights; the mask follows the weights",
       .paper = "Lin et al., Dynamic Model Pruning with Feedback, ICLR 2020, arXiv 2006.07253",
       .explanation =
           "Masks the given fraction of smallest-magnitude weights of each layer. Masked weights "
           "keep getting the gradient, and the mask is computed anew every few optimizer steps, so "
           "that a weight masked by mistake comes back: one line in front of an unchanged training "
           "gives a trained sparse network.",
       .example = "- {sparsity: 0.8, support_type: default}",
       .worked = worked::level_pruner()});
  registry.add<AGPruner>(
      "AGPruner",
      {.description = "raises the masked fraction along a cubic while training",
       .paper = "Zhu & Gupta, To prune, or not to prune, arXiv 1710.01878, equation 1",
       .explanation =
           "Automated gradual pruning: sparsity rises from initial_sparsity to final_sparsity "
           "along s(t) = s_f + (s_i - s_f) (1 - (t - t0) / (n dt))^3, fast while weights are "
           "redundant and slowly towards the end. The masks change at start_epoch, start_epoch + "
           "frequency, and so on below end_epoch; the last of these updates reaches the final "
           "sparsity, which is held from there on. Before the start the layer is dense.",
       .example = "- {initial_sparsity: 0.05, final_sparsity: 0.8, start_epoch: 1,\n"
                  "   end_epoch: 10, frequency: 1, support_type: default}",
       .worked = worked::ag_pruner()});
  registry.add<SensitivityPruner>(
      "SensitivityPruner",
      {.description = "masks weights below a multiple of their layer's standard deviation",
       .paper = "Han et al., Learning both Weights and Connections for Efficient Neural Networks, "
                "arXiv 1506.02626",
       .explanation =
           "Masks the weights whose magnitude is at most sensitivity times the standard deviation "
           "of their layer's weights, then trains what is left, in turn. The deviation is that of "
           "the dense weights at the first update and is kept, so more weights are masked only as "
           "they shrink. Of weights that are normally distributed, erf(sensitivity / sqrt(2)) lie "
           "below the threshold: 38 % for 0.5, 68 % for 1, 87 % for 1.5.",
       .example = "- {sensitivity: 1.0, start_epoch: 2, end_epoch: 10, frequency: 2, "
                  "support_type: default}",
       .worked = worked::sensitivity_pruner()});
  registry.add<L1FilterPruner>(
      "L1FilterPruner",
      {.description = "takes whole channels, those of filters with the smallest sum of magnitudes",
       .paper = "Li et al., Pruning Filters for Efficient ConvNets, arXiv 1608.08710, section 3.1",
       .explanation =
           "Masks whole channels: filters, biases, the batch normalisation behind them, and the "
           "inputs of the layers that read them, together in all layers that an addition ties. "
           "Filters score by the sum of their magnitudes; the lowest go. Such channels can be "
           "removed from the network, which is then smaller and faster with the same outputs: see "
           "shrink. With end_epoch channels go step by step, along the cubic of AGPruner.",
       .example = "- {sparsity: 0.5, multiple: 2, start_epoch: 2, support_type: default}",
       .worked = worked::l1_filter_pruner()});
  registry.add<L2FilterPruner>(
      "L2FilterPruner",
      {.description = "takes whole channels, those of filters with the smallest Euclidean norm",
       .paper = "Li et al., Pruning Filters for Efficient ConvNets, arXiv 1608.08710, section 3.4",
       .explanation = "As L1FilterPruner, with the root of the sum of squares as a filter's score.",
       .example = "- {sparsity: 0.5, multiple: 2, start_epoch: 2, support_type: default}",
       .worked = worked::l2_filter_pruner()});
  registry.add<FPGMPruner>(
      "FPGMPruner",
      {.description = "takes whole channels, those whose filters the others can stand in for",
       .paper = "He et al., Filter Pruning via Geometric Median for Deep Convolutional Neural "
                "Networks Acceleration, arXiv 1811.00250, equation 8",
       .explanation =
           "As L1FilterPruner, but a filter scores by the sum of its distances to the other "
           "filters of its layer: those near the geometric median go, however large they are.",
       .example = "- {sparsity: 0.5, multiple: 2, start_epoch: 2, support_type: default}",
       .worked = worked::fpgm_pruner()});
  registry.add<SlimPruner>(
      "SlimPruner",
      {.description = "drives scales of batch normalisation to zero and takes those channels",
       .paper = "Liu et al., Learning Efficient Convolutional Networks through Network Slimming, "
                "arXiv 1708.06519",
       .explanation =
           "While the network trains, lambda times the sign of each scale is added to its "
           "gradient, which drives scales of unimportant channels to zero. At the start epoch the "
           "channels with the smallest scales go, by one percentile over all layers; the penalty "
           "ends with that. Layers without batch normalisation are left whole.",
       .example = "- {sparsity: 0.5, lambda: 0.0001, multiple: 2, start_epoch: 2, "
                  "support_type: default}",
       .worked = worked::slim_pruner()});
  registry.add<TaylorPruner>(
      "TaylorPruner",
      {.description = "takes whole channels, those that the loss depends on least",
       .paper = "Molchanov et al., Importance Estimation for Neural Network Pruning, "
                "arXiv 1906.10771, equation 8",
       .explanation =
           "As L1FilterPruner, but a filter scores by the square of the sum of gradient times "
           "weight, averaged over the batches since the masks before: an estimate of how much the "
           "loss changes without it. It needs batches to look at before it begins.",
       .example = "- {sparsity: 0.5, multiple: 2, start_epoch: 2, support_type: default}",
       .worked = worked::taylor_pruner()});
  registry.add<NaiveQuantizer>(
      "NaiveQuantizer",
      {.description = "rounds weights to 8 bits",
       .explanation = "Symmetric 8-bit weights with a step for each output channel, max|w| / 127; "
                      "the gradient passes straight through the rounding. Activations stay as they "
                      "are. Works without any option.",
       .example = "- {support_type: default}",
       .worked = worked::naive_quantizer()});
  registry.add<QATQuantizer>(
      "QATQuantizer",
      {.description = "trains with the weights and activations of an integer engine",
       .paper = "Jacob et al., Quantization and Training of Neural Networks for Efficient "
                "Integer-Arithmetic-Only Inference, CVPR 2018, arXiv 1712.05877",
       .explanation =
           "Quantization-aware training: the network computes with the values that an engine of "
           "integers would store, so that it learns to live with them. Weights have a grid for "
           "each output channel from the first step; activations are quantized where they are "
           "stored, with ranges that follow the batches by a moving average. The gradient is 1 "
           "inside a range and 0 outside.",
       .example = "- {q_bits: 8, quant_start_step: 500, support_type: default}",
       .worked = worked::qat_quantizer()});
  registry.add<PTQQuantizer>(
      "PTQQuantizer",
      {.description = "quantizes a trained network for an engine of integers, without training",
       .explanation =
           "Post-training quantization: 'espalier quantize RUN' runs a trained network on some "
           "pictures, takes the ranges of its activations from them, and keeps these. What is "
           "quantized, and to which grids, is as in QATQuantizer. It cannot train: a training with "
           "it ends with an error.",
       .example = "- {q_bits: 8, observer: mse, support_type: default}",
       .worked = worked::ptq_quantizer()});
  registry.add<DoReFaQuantizer>(
      "DoReFaQuantizer",
      {.description = "few bits for weights, activations and gradients",
       .paper = "Zhou et al., DoReFa-Net: Training Low Bitwidth Convolutional Neural Networks with "
                "Low Bitwidth Gradients, arXiv 1606.06160",
       .explanation =
           "Weights of 1 bit are +E or -E, E the mean magnitude; weights of k bits go through tanh "
           "to 2^k levels in [-1, 1]. The input of each layer is clipped to [0, 1] and rounded to "
           "2^k levels; so is the gradient of its result, in relation to the largest of the sample "
           "and with noise of half a step. First and last layer stay in full precision unless a "
           "rule names them.",
       .example = "- {weight_bits: 1, activation_bits: 2, gradient_bits: 6, support_type: default}",
       .worked = worked::dorefa_quantizer()});
  registry.add<WeightSharingQuantizer>(
      "WeightSharingQuantizer",
      {.description = "weights share the few values of a codebook, which are trained",
       .paper = "Han et al., Deep Compression: Compressing Deep Neural Networks with Pruning, "
                "Trained Quantization and Huffman Coding, arXiv 1510.00149, section 3",
       .explanation =
           "When sharing begins, k-means divides the weights of each layer that are not 0 into "
           "2^q_bits clusters, which then stay. All weights of a cluster are its mean, and that is "
           "trained by the sum of their gradients. What pruners have masked is in no cluster and "
           "stays 0.",
       .example = "- {q_bits: 5, start_epoch: 10, support_type: default}",
       .worked = worked::weight_sharing_quantizer()});
  return registry;
}

void Registry::add(std::string name, AlgorithmText text, Make make) {
  for (const Entry& entry : entries_) {
    if (entry.name == name)
      throw Error("registry", "there is an algorithm named '" + name + "' already");
  }
  entries_.push_back({std::move(text), std::move(name), std::move(make)});
}

std::vector<std::unique_ptr<Compressor>> Registry::make_all(const Value& sections) const {
  std::vector<std::unique_ptr<Compressor>> made;
  if (sections.is_null()) return made;
  if (!sections.is_map()) {
    throw ConfigError(
        sections.position(),
        "compress must be a map of algorithms, such as 'AGPruner: {config: [...]}', not " +
            sections.describe());
  }
  std::vector<const Entry*> used;
  for (const Member& section : sections.as_map()) {
    const Entry& entry = entry_for(section);
    if (std::find(used.begin(), used.end(), &entry) != used.end()) {
      throw ConfigError(section.key_position, "there is a section for " + entry.name +
                                                  " already; put the rules of '" + section.key +
                                                  "' into it");
    }
    used.push_back(&entry);
    std::unique_ptr<Compressor> compressor = entry.make(section_rules(section));
    compressor->registered_name_ = entry.name;
    made.push_back(std::move(compressor));
  }
  return made;
}

std::vector<std::unique_ptr<Compressor>> Registry::make_all_from(const std::string& path) const {
  return make_all(read_sections(path));
}

const Registry::Entry* Registry::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return &entry;
  }
  // Which further names it has only an object of the class can tell.
  for (const Entry& entry : entries_) {
    if (is_section_of(name, entry.name) ||
        is_section_of(name, entry.name, entry.make({})->aliases()))
      return &entry;
  }
  return nullptr;
}

const Registry::Entry& Registry::entry_for(const Member& section) const {
  if (const Entry* found = find(section.key)) return *found;
  std::vector<std::string> names;
  for (const Entry& entry : entries_) names.push_back(entry.name);
  throw ConfigError(section.key_position,
                    "there is no algorithm named '" + section.key + "'" +
                        mean_or_there_are(section.key, names) +
                        ". One of your own comes with its plugin ('plugins: "
                        "[FILE.so]' in the configuration, or --plugin FILE.so)");
}

Value sections_as_run(const std::vector<std::unique_ptr<Compressor>>& compressors) {
  Value sections = Value::map();
  for (const auto& compressor : compressors)
    sections.set(compressor->name(), Value::map({{"config", compressor->rules_as_run()}}));
  return sections;
}

}  // namespace espalier::compress
