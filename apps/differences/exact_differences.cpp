// What becomes of pruners and quantizers when they deviate from their papers, as far as numbers can
// be given without a training: tables in Markdown, each behind its name. They are the same on every
// machine, and a test compares them with docs/lessons/what-others-do-differently.md.
#include <espalier/espalier.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace espalier;
using namespace espalier::compress;

namespace {

__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...) {
  char buffer[200];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

void begin(const char* name) {
  std::printf("%% %s\n", name);
}
void row(const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) std::printf("| %s ", cell.c_str());
  std::printf("|\n");
}
void head(const std::vector<std::string>& cells) {
  row(cells);
  for (size_t i = 0; i < cells.size(); ++i) std::printf("|---");
  std::printf("|\n");
}
std::string percent(double fraction) {
  return text("%.1f %%", 100 * fraction);
}

/// Weights as an untrained theory has them: Gaussian with deviation σ.
Tensor gaussian(int64_t n, double deviation) {
  const RandomStream random(1, Purpose::initialisation, name_index("lesson"));
  return Tensor::generate({1, n}, [&](int64_t i) {
    return static_cast<float>(deviation * double{random.normal(static_cast<uint64_t>(i))});
  });
}

double masked_part(const Tensor& mask) {
  const auto zeros = std::count(mask.values().begin(), mask.values().end(), 0.0f);
  return static_cast<double>(zeros) / static_cast<double>(mask.size());
}

/// |w| in ascending order.
std::vector<float> magnitudes(const Tensor& weight) {
  std::vector<float> result;
  for (const float w : weight.values()) result.push_back(std::abs(w));
  std::sort(result.begin(), result.end());
  return result;
}

// --- Level --------------------------------------------------------------------------------------

/// 50 % of weights of which many are equal, by a threshold among them and by counting.
void ties() {
  begin("ties");
  head({"weights", "keep \\|w\\| > τ", "keep \\|w\\| ≥ τ", "counted"});
  const Tensor normal = gaussian(1000, 1);
  struct Case {
    const char* name;
    Tensor weight;
  };
  const std::vector<Case> cases{
      {"1,000 Gaussian weights", normal},
      {"the same, rounded to 15 values",
       Tensor::generate(
           {1, 1000},
           [&](int64_t i) { return std::clamp(std::nearbyint(normal[i] / 0.4f), -7.0f, 7.0f); })},
      {"the same, rounded to −1, 0 and 1",
       Tensor::generate({1, 1000},
                        [&](int64_t i) {
                          return std::abs(normal[i]) < 0.5f ? 0 : std::copysign(1.0f, normal[i]);
                        })},
      {"the scales of a batch normalisation, all 1", Tensor::full({1, 64}, 1)}};
  for (const auto& [name, weight] : cases) {
    const int64_t count = masked_count(0.5, weight.size());
    const float threshold = magnitudes(weight)[static_cast<size_t>(count - 1)];
    double above = 0, from = 0;
    for (const float w : weight.values()) {
      above += std::abs(w) > threshold;
      from += std::abs(w) >= threshold;
    }
    const double n = static_cast<double>(weight.size());
    row({name, percent(1 - above / n), percent(1 - from / n),
         percent(masked_part(mask_smallest(weight, count)))});
  }
}

/// How many weights a fraction is.
void counts() {
  begin("counts");
  head({"sparsity", "weights", "⌊s·n⌋ in floating point", "rounded"});
  for (const double s : {0.29, 0.57, 0.58, 0.9}) {
    row({text("%g", s), "100", text("%d", static_cast<int>(100 * s)),
         text("%d", static_cast<int>(masked_count(s, 100)))});
  }
}

/// A fraction of what is left in place of a fraction of all.
void of_the_rest() {
  begin("of the rest");
  head({"update", "sparsity asked for", "of all weights", "of those that are left"});
  const AGPruner::CubicSchedule schedule{0, 0.9, 0, 5, 1};
  double left = 1;
  for (int64_t t = 0; t < 5; ++t) {
    left *= 1 - schedule.sparsity_at(t);
    row({text("%d", static_cast<int>(t)), percent(schedule.sparsity_at(t)),
         percent(schedule.sparsity_at(t)), percent(1 - left)});
  }
}

// --- AGP ----------------------------------------------------------------------------------------

double cubic(double first, double last, double part) {
  return last + (first - last) * std::pow(1 - part, 3);
}

/// When the last update comes, and what it reaches.
void last_updates() {
  begin("last updates");
  std::vector<std::string> cells{"rule"};
  for (int t = 0; t <= 10; ++t) cells.push_back(text("%d", t));
  head(cells);
  const auto line = [](const std::string& name, const std::function<double(int64_t)>& sparsity) {
    std::vector<std::string> line_cells{name};
    for (int64_t t = 0; t <= 10; ++t) line_cells.push_back(text("%.3f", sparsity(t)));
    row(line_cells);
  };
  for (const int64_t frequency : {1, 4}) {
    const std::string every = frequency == 1 ? "every epoch" : "every 4 epochs";
    line(every + ", `end` included, as it comes", [&](int64_t t) {
      return cubic(0, 0.9, static_cast<double>(t / frequency * frequency) / 10);
    });
    const AGPruner::CubicSchedule schedule{0, 0.9, 0, 10, frequency};
    line(every + ", here", [&](int64_t t) { return schedule.sparsity_at(t); });
  }
}

/// The formula used at times for which it is not meant.
void before_the_start() {
  begin("before the start");
  head({"epoch", "the formula, unlimited", "here"});
  const AGPruner::CubicSchedule schedule{0.5, 0.8, 5, 15, 1};
  for (int64_t t = 1; t <= 7; ++t) {
    row({text("%d", static_cast<int>(t)), percent(cubic(0.5, 0.8, static_cast<double>(t - 5) / 9)),
         percent(schedule.sparsity_at(t))});
  }
}

/// A threshold that follows slowly.
void smoothed_threshold() {
  begin("smoothed threshold");
  head({"update", "sparsity asked for", "threshold found anew", "threshold smoothed, 0.9"});
  const Tensor weight = gaussian(20000, 1);
  const std::vector<float> sorted = magnitudes(weight);
  double smooth = 0;
  for (int update = 0; update <= 50; ++update) {
    const double wanted = cubic(0, 0.9, std::min(update, 10) / 10.0);
    const int64_t count = masked_count(wanted, weight.size());
    const double threshold = count == 0 ? 0 : double{sorted[static_cast<size_t>(count - 1)]};
    smooth = 0.9 * smooth + 0.1 * threshold;
    const auto below =
        std::count_if(sorted.begin(), sorted.end(), [&](float w) { return double{w} <= smooth; });
    if (update % 5 != 0 || (update > 20 && update % 10 != 0)) continue;
    row({text("%d", update), percent(wanted), percent(masked_part(mask_smallest(weight, count))),
         percent(static_cast<double>(below) / static_cast<double>(sorted.size()))});
  }
}

/// The smallest of signed weights in place of the smallest magnitudes.
void signed_weights() {
  begin("signed");
  head({"sparsity", "of the tenth with the largest \\|w\\|, masked by \\|w\\|", "masked by w"});
  const Tensor weight = gaussian(20000, 1);
  const float large = magnitudes(weight)[18000];
  std::vector<float> sorted(weight.values().begin(), weight.values().end());
  std::sort(sorted.begin(), sorted.end());
  for (const double s : {0.1, 0.5, 0.9}) {
    const int64_t count = masked_count(s, weight.size());
    const Tensor mask = mask_smallest(weight, count);
    double ours = 0, theirs = 0, all = 0;
    for (int64_t i = 0; i < weight.size(); ++i) {
      if (std::abs(weight[i]) < large) continue;
      all += 1;
      ours += mask[i] == 0;
      theirs += weight[i] <= sorted[static_cast<size_t>(count - 1)];
    }
    row({percent(s), percent(ours / all), percent(theirs / all)});
  }
}

// --- Sensitivity --------------------------------------------------------------------------------

double masked_by_threshold(const Tensor& weight, double threshold) {
  return masked_part(mask_up_to(weight, threshold, Ranking{}));
}

/// q·σ as a fraction of the weights in place of a threshold.
void fraction_for_threshold() {
  begin("fraction for threshold");
  head({"σ", "q", "q·σ as a threshold", "q·σ as a fraction"});
  for (const double deviation : {0.02, 0.05, 0.2}) {
    const Tensor weight = gaussian(20000, deviation);
    const double quantity = 0.8 * standard_deviation(weight);
    row({text("%g", deviation), "0.8", percent(masked_by_threshold(weight, quantity)),
         percent(masked_part(mask_smallest(weight, static_cast<int64_t>(20000 * quantity))))});
  }
}

/// What a q means for Gaussian weights.
void linear_rule() {
  begin("linear rule");
  head({"q", "68 %·q", "erf(q/√2)", "20,000 Gaussian weights"});
  const Tensor weight = gaussian(20000, 1);
  for (const double q : {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0}) {
    row({text("%g", q), percent(0.68 * q), percent(std::erf(q / std::sqrt(2.0))),
         percent(masked_by_threshold(weight, q * standard_deviation(weight)))});
  }
}

/// σ of what is left: a threshold that rises with every update.
void deviation_of_survivors() {
  begin("survivors");
  head({"q", "σ of", "1st update", "2nd", "3rd", "4th", "5th", "20th"});
  const auto line = [](double q, const char* name,
                       const std::function<double(const Tensor&, const Tensor&)>& deviation) {
    std::vector<std::string> cells{text("%g", q), name};
    const Tensor dense = gaussian(20000, 1);
    Tensor weight = dense;
    for (int update = 1; update <= 20; ++update) {
      const Tensor mask = mask_up_to(weight, q * deviation(dense, weight), Ranking{});
      weight = multiply(weight, mask);
      if (update <= 5 || update == 20) cells.push_back(percent(masked_part(mask)));
    }
    row(cells);
  };
  for (const double q : {0.5, 0.75, 1.0, 1.5}) {
    line(q, "those that are left", [](const Tensor&, const Tensor& weight) {
      std::vector<float> left;
      for (const float w : weight.values())
        if (w != 0) left.push_back(w);
      if (left.empty()) return 0.0;
      return standard_deviation(Tensor::from({1, static_cast<int64_t>(left.size())}, left));
    });
    line(q, "all, zeros too (`std: current`)",
         [](const Tensor&, const Tensor& weight) { return standard_deviation(weight); });
    line(q, "the dense weights (`std: dense`)",
         [](const Tensor& dense, const Tensor&) { return standard_deviation(dense); });
  }
}

// --- Masked weights -----------------------------------------------------------------------------

class MaskAll : public Pruner {
 public:
  using Pruner::Pruner;
  Tensor calc_mask(const LayerInfo&, const Tensor& weight) override {
    return Tensor::zeros(weight.shape());
  }
};

using MakeOptimizer = std::function<std::unique_ptr<nn::Optimizer>(nn::Module&)>;

/// One weight that is trained for 20 steps with gradient 1, then masked, then trained for 100 steps
/// more in which its gradient is 0. \return what is stored in the end
float stored_after(const MakeOptimizer& make, bool zeroed, bool with_pruner) {
  nn::Sequential net;
  net.add("fc", nn::Linear({.in = 1, .out = 1, .bias = false}));
  nn::Parameter& weight = *net.parameters()[0].parameter;
  weight.load(Tensor::full({1, 1}, 3));
  const std::unique_ptr<nn::Optimizer> optimizer = make(net);
  const auto step = [&](float gradient) {
    optimizer->zero_grad();
    sum(multiply(net(Tensor::full({1, 1}, 1)), Tensor::full({1, 1}, gradient))).backward();
    optimizer->step();
  };
  for (int i = 0; i < 20; ++i) step(1);
  std::unique_ptr<MaskAll> pruner;
  const float before = weight.effective_value()[0];
  if (with_pruner) {
    pruner = std::make_unique<MaskAll>(Rules{{{"masked_weights", zeroed ? "zero" : "freeze"}}});
    (*pruner)(net);
  } else if (zeroed) {
    weight.load(Tensor::zeros({1, 1}));
  }
  for (int i = 0; i < 100; ++i) step(0);
  if (with_pruner) weight.detach(nn::WeightTransform::Stage::mask);
  const float moved = weight.effective_value()[0] - (zeroed ? 0 : before);
  return std::abs(moved) < 1e-6f ? 0 : moved;
}

void coming_back() {
  begin("coming back");
  head({"optimizer", "zeroed once, gradient masked", "`masked_weights: zero`",
        "kept, gradient masked", "`masked_weights: freeze`"});
  const std::vector<std::pair<const char*, MakeOptimizer>> optimizers{
      {"SGD",
       [](nn::Module& net) {
         return std::make_unique<nn::SGD>(net, nn::SGD::Options{.lr = 0.05});
       }},
      {"SGD, momentum 0.9",
       [](nn::Module& net) {
         return std::make_unique<nn::SGD>(net, nn::SGD::Options{.lr = 0.05, .momentum = 0.9});
       }},
      {"SGD, weight decay 0.01",
       [](nn::Module& net) {
         return std::make_unique<nn::SGD>(net, nn::SGD::Options{.lr = 0.05, .weight_decay = 0.01});
       }},
      {"Adam",
       [](nn::Module& net) {
         return std::make_unique<nn::Adam>(net, nn::Adam::Options{.lr = 0.01});
       }},
      {"AdamW, weight decay 0.01", [](nn::Module& net) {
         return std::make_unique<nn::AdamW>(net,
                                            nn::AdamW::Options{.lr = 0.01, .weight_decay = 0.01});
       }}};
  const auto number = [](float x) { return x == 0 ? std::string("0") : text("%+.4f", double{x}); };
  for (const auto& [name, make] : optimizers) {
    row({name, number(stored_after(make, true, false)), number(stored_after(make, true, true)),
         number(stored_after(make, false, false)), number(stored_after(make, false, true))});
  }
}

// --- Quantizers ---------------------------------------------------------------------------------

/// Where a range stands that should follow activations of at most 1.
void ranges() {
  begin("ranges");
  head({"batches", "here", "begins at 6, decay 0.999", "begins at 0 after 500 steps, decay 0.99"});
  const QATQuantizer quantizer;
  MovingRange range(quantizer, {}, 0.999);
  const Tensor batch = Tensor::from({1, 2}, {0, 1});
  double six = 6, late = 0;
  for (int n = 1; n <= 5000; ++n) {
    range.apply(batch, true);
    six = 0.999 * six + 0.001;
    late = 0.99 * late + 0.01;
    for (const int shown : {1, 50, 100, 469, 1000, 5000}) {
      if (n != shown) continue;
      const double corrected = late / (1 - std::pow(0.99, 500 + n));
      row({text("%d", n), text("%.2f", double{range.range().high}), text("%.2f", six),
           text("%.2f", corrected)});
    }
  }
}

/// What DoReFa makes of weights, by the quantizer itself.
Tensor dorefa(int bits, const std::vector<float>& weights, bool masked) {
  nn::Sequential net;
  const auto n = static_cast<int64_t>(weights.size());
  net.add("fc", nn::Linear({.in = n, .out = 1, .bias = false}))
      .add("bn", nn::BatchNorm2d({.channels = 1}));
  net.parameters()[0].parameter->load(Tensor::from({1, n}, weights));
  DoReFaQuantizer quantizer({{{"weight_bits", bits}, {"support_op", "fc"}}});
  quantizer(net);
  if (masked) {
    LevelPruner pruner({{{"sparsity", 0.5}, {"frequency", "once"}, {"masked_weights", "zero"}}});
    pruner(net);
    return net.parameters()[0].parameter->effective_value();
  }
  return quantizer
      .quantize_weight(quantizer.layers().front(), net.parameters()[0].parameter->effective_value())
      .detach();
}

std::string number(double x) {
  return x == 0 ? "0" : text("%.3g", x);
}

/// The values that weights of k bits can have.
void levels() {
  begin("levels");
  head({"bits", "by the paper", "divided by max\\|w\\|, 2^(k−1) steps",
        "codes of a signed integer"});
  std::vector<float> weights;
  for (int i = -1000; i <= 1000; ++i) weights.push_back(static_cast<float>(i) / 1000);
  const auto list = [](std::vector<float> values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    std::string result;
    for (const float value : values) result += (result.empty() ? "" : ", ") + number(double{value});
    return result;
  };
  for (const int bits : {2, 3}) {
    const Tensor ours = dorefa(bits, weights, false);
    std::vector<float> scale, codes;
    const float half = std::exp2(static_cast<float>(bits - 1));
    for (const float w : weights) {
      scale.push_back(2 * std::nearbyint((std::tanh(w) / 2 + 0.5f) * half) / half - 1);
      const float t = std::tanh(w) / std::tanh(1.0f);
      codes.push_back(std::nearbyint(t * (half - 1)) / (half - 1));
    }
    row({text("%d", bits), list({ours.values().begin(), ours.values().end()}), list(scale),
         list(codes)});
  }
}

/// What a masked weight is behind a quantizer that has no zero.
void masked_zero() {
  begin("masked zero");
  head({"bits", "masked in front alone", "here"});
  for (const int bits : {1, 2, 3, 4}) {
    const Tensor front = dorefa(bits, {0, 1}, false), here = dorefa(bits, {0.1f, 1}, true);
    row({text("%d", bits), number(double{front[0]}), number(double{here[0]})});
  }
}

/// Rounding, and what is written in its place.
void rounding() {
  begin("rounding");
  head({"bits", "rounded: mean square error / Δ²", "truncated", "ratio"});
  const Tensor weight = gaussian(20000, 1);
  for (const int bits : {8, 4}) {
    const double step = double{magnitudes(weight).back()} / ((1 << (bits - 1)) - 1);
    double rounded = 0, truncated = 0;
    for (const float w : weight.values()) {
      const double x = double{w} / step;
      rounded += std::pow(x - std::nearbyint(x), 2);
      truncated += std::pow(x - std::trunc(x), 2);
    }
    row({text("%d", bits), text("%.3f", rounded / 20000), text("%.3f", truncated / 20000),
         text("%.2f", truncated / rounded)});
  }
}

/// The step of a grid from a to b with 256 values, and the same without its parentheses.
void step_of_grid() {
  begin("step");
  head({"a", "b", "(b − a)/(n − 1)", "b − a/(n − 1)"});
  for (const double a : {-1.0, 0.0}) {
    row({number(a), "1", text("%.5f", (1 - a) / 255), text("%.5f", 1 - a / 255)});
  }
}

}  // namespace

int main() {
  ties();
  counts();
  of_the_rest();
  last_updates();
  before_the_start();
  smoothed_threshold();
  signed_weights();
  fraction_for_threshold();
  linear_rule();
  deviation_of_survivors();
  coming_back();
  ranges();
  levels();
  masked_zero();
  rounding();
  step_of_grid();
  return 0;
}
