#include "espalier/compress/quantizers/weight_sharing_quantizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/keep_indices.h"

namespace espalier::compress {
namespace {

/// The cluster whose centroid is nearest to x, of those that have weights; 0 if none has.
template <class Centroids>
size_t nearest(const Centroids& centroids, double x) {
  size_t best = 0;
  double least = INFINITY;
  for (size_t k = 1; k < centroids.sums.size(); ++k) {
    if (centroids.counts[k] == 0) continue;
    const double distance = std::abs(centroids.mean(k) - x);
    if (distance < least) best = k;
    least = std::min(least, distance);
  }
  return best;
}

}  // namespace

Tensor WeightSharingQuantizer::quantize_weight(const LayerInfo& layer, const Tensor& weight) {
  Clusters& kept = clusters_[static_cast<size_t>(layer.index)];
  const auto is_new = [&](const Clusters& clusters, int64_t i) {
    return weight[i] != 0 && clusters[static_cast<size_t>(i)] == 0;
  };
  Clusters clusters = kept.empty() ? find_clusters(layer, weight) : kept;
  Centroids shared = centroids(clusters, weight);
  // Weights that masks have let go of.
  const Centroids before = shared;
  for (int64_t i = 0; i < weight.size(); ++i) {
    if (!is_new(clusters, i)) continue;
    const size_t k = nearest(before, double{weight[i]});
    if (k == 0) {  // all there was has been masked
      clusters = find_clusters(layer, weight);
      shared = centroids(clusters, weight);
      break;
    }
    clusters[static_cast<size_t>(i)] = static_cast<uint16_t>(k);
    shared.sums[k] += double{weight[i]};
    ++shared.counts[k];
  }
  NewTensor result(weight.shape());
  std::vector<float> values(shared.sums.size());
  for (size_t k = 1; k < values.size(); ++k) {
    if (shared.counts[k] > 0) values[k] = static_cast<float>(shared.mean(k));
  }
  for (int64_t i = 0; i < weight.size(); ++i)
    result[i] = weight[i] == 0 ? 0 : values[clusters[static_cast<size_t>(i)]];
  // Clusters are fixed by a forward pass of training: others may only be looking.
  if (Recorder::wants_backward(std::array{&weight})) kept = std::move(clusters);
  return result;
}

WeightSharingQuantizer::Clusters WeightSharingQuantizer::find_clusters(const LayerInfo& layer,
                                                                       const Tensor& weight) const {
  const Options& o = options_of(layer);
  std::vector<float> values;
  for (const float value : weight.values()) {
    if (value != 0) values.push_back(value);
  }
  Clusters clusters(static_cast<size_t>(weight.size()));
  if (values.empty()) return clusters;
  const RandomStream random(layer.module->draws.seed, Purpose::initialisation,
                            name_index("codebook"), name_index(layer.name));
  const std::vector<double> centroids =
      cluster_values(std::move(values), 1 << o.bits, o.start, random);
  std::vector<double> middles;  // a weight on one belongs to the cluster below
  for (size_t k = 1; k < centroids.size(); ++k)
    middles.push_back((centroids[k - 1] + centroids[k]) / 2);
  for (size_t i = 0; i < clusters.size(); ++i) {
    const float value = weight[static_cast<int64_t>(i)];
    if (value == 0) continue;
    const auto place = std::lower_bound(middles.begin(), middles.end(), double{value});
    clusters[i] = static_cast<uint16_t>(1 + (place - middles.begin()));
  }
  return clusters;
}

void WeightSharingQuantizer::keep_weights(const LayerInfo& layer, int axis,
                                          std::span<const int64_t> indices) {
  Clusters& clusters = clusters_[static_cast<size_t>(layer.index)];
  if (clusters.empty()) return;
  const Tensor all = Tensor::generate(layer.parameter->shape(), [&](int64_t i) {
    return static_cast<float>(clusters[static_cast<size_t>(i)]);
  });
  clusters.clear();
  for (const float number : nn::keep_indices(all, axis, indices).values())
    clusters.push_back(static_cast<uint16_t>(number));
}

WeightSharingQuantizer::Centroids WeightSharingQuantizer::centroids(const Clusters& clusters,
                                                                    const Tensor& weight) const {
  const size_t count = 1 + *std::max_element(clusters.begin(), clusters.end());
  Centroids all{std::vector<double>(count), std::vector<int64_t>(count)};
  for (size_t i = 0; i < clusters.size(); ++i) {
    const float value = weight[static_cast<int64_t>(i)];
    if (value == 0 || clusters[i] == 0) continue;
    all.sums[clusters[i]] += double{value};
    ++all.counts[clusters[i]];
  }
  return all;
}

Tensor WeightSharingQuantizer::rounding_gradient(const LayerInfo& layer, const Tensor& weight,
                                                 const Tensor& gradient) {
  const Clusters& clusters = clusters_[static_cast<size_t>(layer.index)];
  std::vector<double> sums(1 + *std::max_element(clusters.begin(), clusters.end()));
  for (size_t i = 0; i < clusters.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    if (weight[at] != 0) sums[clusters[i]] += double{gradient[at]};
  }
  NewTensor result(weight.shape());
  for (size_t i = 0; i < clusters.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    result[at] = weight[at] == 0 ? gradient[at] : static_cast<float>(sums[clusters[i]]);
  }
  return result;
}

Codebook WeightSharingQuantizer::codebook(const LayerInfo& layer) const {
  if (!acts_on(layer)) {
    throw Error(name(), "the weights of layer '" + layer.name + "' are not shared" +
                            (enabled() ? fmt::format(" before epoch {}", start_epoch(layer.rule))
                                       : ", as it is switched off"));
  }
  return codebook_of(layer.parameter->effective_value());
}

void WeightSharingQuantizer::read_rule(int rule, MapReader& options) {
  Quantizer::read_rule(rule, options);
  Options o{};
  o.bits = static_cast<int>(options.integer(
      "q_bits",
      {.min = 1, .max = 8, .fallback = 5, .help = "a layer's weights share 2^q_bits values"}));
  const std::string start =
      options.choice("init", {"linear", "density", "random"}, "linear",
                     "where k-means begins: evenly between the smallest and the largest weight, at "
                     "quantiles, or at weights that are drawn");
  o.start = start == "linear"    ? CodebookStart::linear
            : start == "density" ? CodebookStart::density
                                 : CodebookStart::random;
  options_.resize(static_cast<size_t>(rule) + 1);
  options_.back() = o;
}

void WeightSharingQuantizer::on_attached(nn::Module& model) {
  clusters_.resize(layers().size());
  Quantizer::on_attached(model);
}

void WeightSharingQuantizer::on_attach_failed() {
  Quantizer::on_attach_failed();
  clusters_.clear();
}

void WeightSharingQuantizer::visit_state(nn::StateVisitor& state) {
  Quantizer::visit_state(state);
  for (const LayerInfo& layer : layers()) {
    const nn::StateVisitor::Scope scope(state, layer.name);
    Clusters& clusters = clusters_[static_cast<size_t>(layer.index)];
    Tensor saved;
    if (!clusters.empty()) {
      saved = Tensor::generate(layer.shape, [&](int64_t i) {
        return static_cast<float>(clusters[static_cast<size_t>(i)]);
      });
    }
    state("clusters", saved);
    if (!state.restores()) continue;
    if (saved.defined() && saved.shape() != layer.shape) {
      throw Error("state", "the clusters saved for layer '" + layer.name + "' have the shape " +
                               saved.shape().to_string() + ", its weight has " +
                               layer.shape.to_string());
    }
    clusters.clear();
    if (!saved.defined()) continue;
    for (const float number : saved.values()) clusters.push_back(static_cast<uint16_t>(number));
  }
}

std::string WeightSharingQuantizer::rule_note(int rule) const {
  return fmt::format("{} shared values", 1 << options_[static_cast<size_t>(rule)].bits);
}

std::vector<std::string> WeightSharingQuantizer::findings() const {
  std::vector<std::string> sentences;
  for (const LayerInfo& layer : layers()) {
    if (!acts_on(layer)) continue;
    const Codebook book = codebook(layer);
    const auto weights = std::count_if(book.indices.begin(), book.indices.end(),
                                       [](int32_t index) { return index >= 0; });
    // Equation 1: a float for each weight, against an index for each and a float for each value.
    const double bits = options_of(layer).bits, floats = 32, n = static_cast<double>(weights);
    const double rate = n * floats / (n * bits + static_cast<double>(book.values.size()) * floats);
    sentences.push_back(fmt::format("{}: {} weights share {} values, {:.1f} times smaller",
                                    layer.name, weights, book.values.size(),
                                    weights == 0 ? 1 : rate));
  }
  return sentences;
}

}  // namespace espalier::compress
