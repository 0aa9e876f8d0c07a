#include "espalier/compress/quantizers/weight_sharing_quantizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/pruner.h"
#include "espalier/compress/worked/by_hand.h"
#include "espalier/compress/worked/builtin.h"
#include "espalier/compress/worked/quantizer_layer.h"

namespace espalier::compress::worked {
namespace {

constexpr int bits = 2, count = 1 << bits;

/// Zeros are what pruners make: this one has made those that the example is given.
class Zeros : public Pruner {
 public:
  using Pruner::Pruner;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override {
    return Tensor::generate(layer.shape, [&](int64_t i) { return weight[i] != 0 ? 1.0f : 0.0f; });
  }
};

/// Where k-means begins and how it goes on, a row for each step.
std::string steps_of(const std::vector<float>& values, const RandomStream& random) {
  std::string text;
  std::vector<double> shown;
  cluster_values(values, count, CodebookStart::linear, random,
                 [&](const std::vector<double>& centroids) {
                   if (centroids == shown) return;  // the step that notices the end
                   text += shown.empty() ? "  start " : "  then  ";
                   for (const double c : centroids) text += fmt::format("  {:>8}", number(c));
                   text += "\n";
                   shown = centroids;
                 });
  return text.empty() ? "  no more different values than centroids: they are the centroids\n"
                      : text;
}

/// Equation 1: how much smaller so many weights become.
double rate(int weights) {
  return 32.0 * weights / (bits * weights + 32.0 * count);
}

std::string work(const std::vector<float>& numbers) {
  require_numbers("WeightSharingQuantizer", numbers, 2);
  std::vector<float> values;  // zeros are in no cluster
  for (const float value : numbers) {
    if (value != 0) values.push_back(value);
  }
  if (values.empty()) throw Error("WeightSharingQuantizer", "needs a weight that is not 0");
  SmallLayer layer(numbers);
  WeightSharingQuantizer quantizer(rule_of("WeightSharingQuantizer", "layer", {{"q_bits", bits}}));
  Zeros zeros(rule_of("zeros", "layer", {}));
  layer.attach(zeros);
  layer.attach(quantizer);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  std::string text = fmt::format(
      "1. k-means finds 2^{} = {} centroids for the weights that are not 0. They begin\nevenly "
      "from the smallest to the largest, {} + ({} − {})·k/{}; in\neach step a weight belongs to "
      "the nearest, and a centroid becomes the mean\nof its weights (equation 2):\n\n",
      bits, count, number(double{*low}), number(double{*high}), bracketed(double{*low}), count - 1);
  text += steps_of(values, RandomStream(0, Purpose::initialisation));

  std::vector<float> gradient;
  for (size_t i = 1; i <= numbers.size(); ++i) gradient.push_back(0.01f * static_cast<float>(i));
  layer.pass(gradient);
  const std::vector<float> before = layer.effective();
  const Codebook book = quantizer.codebook(quantizer.layers().front());
  layer.train(gradient);
  const std::vector<float> after = layer.effective();

  std::vector<std::string> cluster;
  for (const int32_t index : book.indices)
    cluster.push_back(index < 0 ? "–" : std::to_string(index + 1));
  text +=
      "\n2. Training moves the centroids. Let the gradients of what the layer computes\nwith be "
      "0.01, 0.02 and so on: a centroid gets the sum over its cluster\n(equation 3), and with "
      "learning rate 1 moves by it:\n\n";
  for (size_t k = 0; k < book.values.size(); ++k) {
    std::vector<std::string> parts;
    double total = 0;
    size_t member = numbers.size();
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (book.indices[i] != static_cast<int32_t>(k)) continue;
      parts.push_back(number(double{gradient[i]}));
      total += double{gradient[i]};
      member = i;
    }
    text +=
        fmt::format("  cluster {}: gradient {}{}; {} − {} = {}\n", k + 1, plus(parts),
                    parts.size() > 1 ? " = " + number(total) : "", number(double{book.values[k]}),
                    number(total), number(double{after[member]}));
  }
  text += "\n" + Table()
                     .column("w", numbers)
                     .column("cluster", cluster)
                     .column("computes with", before)
                     .column("gradient", gradient)
                     .column("after the update", after)
                     .text();
  const size_t n = values.size(), centroids = book.values.size();
  return text + fmt::format(
                    "\nOn disk (equation 1): {} floats of 32 bits are {} bits; {} indices of {} "
                    "bits\nand {} floats are {}. All weights of a layer share the codebook: 1000 "
                    "weights\nbecome {:.1f} times smaller, 10 weights {:.1f} times.\n",
                    n, 32 * n, n, bits, centroids, bits * n + 32 * centroids, rate(1000), rate(10));
}

}  // namespace

WorkedExample weight_sharing_quantizer() {
  return {.numbers = {0.1f, -0.6f, 0.75f, -0.4f, -0.45f, -0.35f, 0.15f, 0.05f, -0.7f, 0.85f},
          .what = "weights, 2 to 16 of them, not all 0",
          .work = work};
}

}  // namespace espalier::compress::worked
