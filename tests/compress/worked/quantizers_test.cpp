// Every figure is worked by hand from the formula in the comment above it.
#include <catch2/catch.hpp>

#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/worked/builtin.h"

using namespace espalier;
using namespace espalier::compress;
using Catch::Contains;

namespace {

std::string default_text(const WorkedExample& example) {
  return example.work(example.numbers);
}

/// A text without its repeated blanks, as the widths of columns are not what matters.
std::string squeezed(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  return result;
}

}  // namespace

TEST_CASE("worked example of NaiveQuantizer") {
  const std::string text = squeezed(worked::naive_quantizer().work({0.5f, -1.27f, 0.02f, 0.1f}));
  // Channel 0: 1.27/127 = 0.01, codes 50 and −127. Channel 1: 0.1/127 = 0.0007874; 0.02/Δ = 25.4.
  CHECK_THAT(text, Contains("channel 0: Δ = 1.27 / 127 = 0.01\n"));
  CHECK_THAT(text, Contains("channel 1: Δ = 0.1 / 127 = 0.0007874\n"));
  // With one Δ = 0.01 the codes of channel 1 are 2 and 10.
  CHECK_THAT(text, Contains("0 0.50 50.0 50 0.50000 50 1\n"));
  CHECK_THAT(text, Contains("0 -1.27 -127.0 -127 -1.27000 -127 1\n"));
  CHECK_THAT(text, Contains("1 0.02 25.4 25 0.01969 2 1\n"));
  CHECK_THAT(text, Contains("1 0.10 127.0 127 0.10000 10 1\n"));
  CHECK_THAT(text, Contains("The largest error is 0.4·Δ"));
}

TEST_CASE("worked example of NaiveQuantizer: one channel, and one of zeros") {
  const std::string one = squeezed(worked::naive_quantizer().work({2.54f, 0.05f, -1}));
  // Δ = 0.02; 0.05 is 2.5 steps, which is rounded to the even code 2.
  CHECK_THAT(one, Contains("channel 0: Δ = 2.54 / 127 = 0.02\n"));
  CHECK_THAT(one, Contains("-50 -1"));
  CHECK_THAT(one, !Contains("with one Δ"));
  CHECK_THAT(squeezed(worked::naive_quantizer().work({0, 0})), Contains("0 0 0 0 0 0 1\n"));
}

TEST_CASE("worked example of QATQuantizer") {
  const std::string text = squeezed(worked::qat_quantizer().work({0.7f, -0.3f, 1.4f, -2.1f}));
  // Weights: 0.7/7 = 0.1 gives codes 7 and −3; 2.1/7 = 0.3 gives 1.4/0.3 = 4.667 → 5 and −7.
  CHECK_THAT(text,
             Contains("channel 0: range -0.3 to 0.7, scale s = 0.7 / 7 = 0.1, zero point 0\n"));
  CHECK_THAT(text,
             Contains("channel 1: range -2.1 to 1.4, scale s = 2.1 / 7 = 0.3, zero point 0\n"));
  CHECK_THAT(text, Contains("0 -0.3 -3.000 -3 -0.3\n"));
  CHECK_THAT(text, Contains("1 1.4 4.667 5 1.5\n"));
  // Range: 0.9·(−2.1) + 0.1·(−4.2) = −2.31 and 0.9·1.4 + 0.1·2.8 = 1.54. s = 3.85/15 = 0.25667;
  // 2.31/s = 9, so that z = 9 without any nudging. The grid is −9·s = −2.31 to 6·s = 1.54.
  CHECK_THAT(text, Contains("low = 0.9·(-2.1) + 0.1·(-4.2) = -2.31\n"));
  CHECK_THAT(text, Contains("high = 0.9·1.4 + 0.1·2.8 = 1.54\n"));
  CHECK_THAT(text, Contains("= (1.54 − (-2.31))/15 = 0.2567\n"));
  CHECK_THAT(text, Contains("0 − low/s = 9; nudged to a code, z = 9,"));
  CHECK_THAT(text, Contains("the grid then holds -2.31 to 1.54\n"));
  // 1.4/s + 9 = 14.4545 → 14 → 5·s = 1.2833; −0.6/s + 9 = 6.6623 → 7 → −2·s; 2.8 and −4.2 clip.
  CHECK_THAT(text, Contains("1.4 14.455 14 1.2833 1\n"));
  CHECK_THAT(text, Contains("-0.6 6.662 7 -0.5133 1\n"));
  CHECK_THAT(text, Contains("2.8 19.909 15 1.5400 0\n"));
  CHECK_THAT(text, Contains("-4.2 -7.364 0 -2.3100 0\n"));
}

TEST_CASE("worked example of QATQuantizer: the zero point is nudged, and 0 is in every range") {
  // EMA of 0.1…0.6: low 0.11, high 0.66, but the range begins at 0: s = 0.66/15 = 0.044, z = 0.
  const std::string positive = squeezed(worked::qat_quantizer().work({0.1f, 0.6f}));
  CHECK_THAT(positive, Contains("and 0 has to be in it: 0 to 0.66\n"));
  CHECK_THAT(positive, Contains("(0.66 − 0)/15 = 0.044\n"));
  CHECK_THAT(positive, Contains("0 − low/s = 0; nudged to a code, z = 0,"));
  // Of −0.8 … 0.62: low −0.88, high 0.682, s = 1.562/15 = 0.10413, 0.88/s = 8.4507 → 8: the grid
  // is shifted by 0.4507 steps to −0.8331 … 0.7289.
  const std::string text = squeezed(default_text(worked::qat_quantizer()));
  CHECK_THAT(text, Contains("0 − low/s = 8.451; nudged to a code, z = 8,"));
  CHECK_THAT(text, Contains("the grid then holds -0.8331 to 0.7289\n"));
}

TEST_CASE("worked example of PTQQuantizer") {
  const std::string text = squeezed(default_text(worked::ptq_quantizer()));
  // 2.5/3 = 0.8333: 0.4 → 0 and 0.5, 0.6, 0.7 → 0.8333. Errors: 2·0.16 + 2·0.1111 + 2·0.0544 +
  // 0.0178 = 0.6689; Σx² = 8.28, so that √(0.6689/8.28) = 28.4 %.
  CHECK_THAT(text, Contains("minmax 0 to 2.5 s = 0.8333 z = 0 0.6689 28.4 %\n"));
  // To 0.7 by 0.2333: 0.4, 0.5 → 0.4667, 0.6 → 0.7, 2.5 → 0.7. Errors: 4·0.00444, less
  // (0.5 − 0.4667)² = 0.00111 for two: 2·0.00444 + 2·0.00111 + 2·0.01 + 1.8² = 3.2711.
  CHECK_THAT(text, Contains("percentile 0 to 0.7 s = 0.2333 z = 0 3.271 62.9 %\n"));
  // 108/128 of 2.5 is 2.109375, by 0.703125: all of 0.4 … 0.7 → 0.7031. Errors: 2·0.09189 +
  // 2·0.04126 + 2·0.01064 + 0.0000098 + 0.15259 = 0.4402.
  CHECK_THAT(text, Contains("mse 0 to 2.109 s = 0.7031 z = 0 0.4402 23.1 %\n"));
  CHECK_THAT(text, Contains("2.5 2.5000 0.7000 2.1094\n"));
  CHECK_THAT(text, Contains("0.4 0.0000 0.4667 0.7031\n"));
  // Half the range, 1.25 by 0.41667: 0.4 → 0.4167, 0.5 → 0.4167, 0.6 → 0.4167, 0.7 → 0.8333:
  // 2·0.000278 + 2·0.00694 + 2·0.03361 + 0.01778 + 1.5625 = 1.6619.
  CHECK_THAT(text, Contains("0.500 1.6619\n"));
}

TEST_CASE("worked example of DoReFaQuantizer") {
  const std::string text = squeezed(worked::dorefa_quantizer().work({0.5f, -1, 0.3f, 0}));
  // E leaves the 0 out, which is what masks make: (0.5 + 1 + 0.3)/3 = 0.6.
  CHECK_THAT(text, Contains("E = (0.5 + 1 + 0.3)\n / 3 = 0.6\n"));
  // tanh: 0.4621, −0.7616, 0.2913; M = 0.7616. 0.4621/1.5232 + ½ = 0.8034; times 3 is 2.410 → 2 →
  // ⅓. The gradient: (1 − 0.4621²)/0.7616 = 1.0326.
  CHECK_THAT(text, Contains("M = max|tanh w| = 0.7616 "));
  CHECK_THAT(text, Contains("0.5 0.6 0.4621 0.8034 2.410 2 0.3333 1.0326\n"));
  CHECK_THAT(text, Contains("0.3 0.6 0.2913 0.6913 2.074 2 0.3333 1.2016\n"));
  // ½ times 3 is 1.5, halfway, and goes to the even code 2.
  CHECK_THAT(text, Contains("0.0 0.6 0.0000 0.5000 1.500 2 0.3333 1.3130\n"));
  // The largest: ((1 − t²)/M)·(1 − Σ t_i/M·sign(t)) with Σ t = −0.0082: 0.5514·(1 − 0.0107) =
  // 0.5455.
  CHECK_THAT(text, Contains("-1.0 -0.6 -0.7616 0.0000 0.000 0 -1.0000 0.5455\n"));
  // Σ w² = 1.34; Σ q² over the three that are not 0: 1 + 2/9 = 1.2222; √1.0964 = 1.047.
  CHECK_THAT(text, Contains("√(1.34/1.222) = 1.047:\nthey reach to ±1.047 then.\n"));
  // Activations: 0.5·3 = 1.5 → 2 (even) → ⅔; −1 is clipped and has no gradient.
  CHECK_THAT(text, Contains("0.5 0.5 1.5 0.6667 1\n"));
  CHECK_THAT(text, Contains("-1.0 0.0 0.0 0.0000 0\n"));
}

TEST_CASE("worked example of DoReFaQuantizer: noise decides between the two next codes") {
  // m = 1.2; the codes mean −1.2, −0.4, 0.4 and 1.2. The largest is exact whatever the noise.
  const std::string text = squeezed(default_text(worked::dorefa_quantizer()));
  CHECK_THAT(text, Contains("m = max|r| = 1.2 "));
  CHECK_THAT(text, Contains("1.20 1.0000 -0.01934 1.2 1.20000\n"));
  // r/2m + ½ + N = 0.1667 + 0.06525 = 0.2319; times 3 is 0.696 → 1 → 2.4·(⅓ − ½) = −0.4.
  CHECK_THAT(text, Contains("-0.80 0.1667 0.06525 -0.4 -0.79"));
  // 0.5208 − 0.04028 = 0.4805; times 3 is 1.442 → 1 → −0.4: the other sign, but 0.05 on average.
  CHECK_THAT(text, Contains("0.05 0.5208 -0.04028 -0.4 0.04"));
}

TEST_CASE("worked example of WeightSharingQuantizer") {
  const std::string text = squeezed(default_text(worked::weight_sharing_quantizer()));
  // −0.7 + 1.55·k/3. Middles −0.4417, 0.075, 0.5917: {−0.7, −0.6, −0.45}, {−0.4, −0.35, 0.05},
  // {0.1, 0.15}, {0.75, 0.85}, whose means are the next row; from there 0.05 and −0.45 change over.
  CHECK_THAT(text, Contains("start -0.7 -0.1833 0.3333 0.85\n"));
  CHECK_THAT(text, Contains("then -0.5833 -0.2333 0.125 0.8\n"));
  CHECK_THAT(text, Contains("then -0.5833 -0.375 0.1 0.8\n"));
  CHECK_THAT(text, Contains("then -0.65 -0.4 0.1 0.8\n\n"));
  // −0.6 is the second weight and −0.7 the ninth.
  CHECK_THAT(text, Contains("cluster 1: gradient 0.02 + 0.09 = 0.11; -0.65 − 0.11 = -0.76\n"));
  CHECK_THAT(text,
             Contains("cluster 2: gradient 0.04 + 0.05 + 0.06 = 0.15; -0.4 − 0.15 = -0.55\n"));
  CHECK_THAT(text, Contains("0.75 4 0.80 0.03 0.67\n"));  // less 0.03 + 0.1
  // 10·2 + 4·32 = 148 bits; 320/148 = 2.2 and 32,000/(2,000 + 128) = 15.0.
  CHECK_THAT(text, Contains("are 320 bits; 10 indices of 2 bits\nand 4 floats are 148."));
  CHECK_THAT(text, Contains("15.0 times smaller, 10 weights 2.2 times.\n"));
}

TEST_CASE("worked example of WeightSharingQuantizer: a zero is in no cluster") {
  const std::string text = squeezed(worked::weight_sharing_quantizer().work({0.5f, 0, -0.5f}));
  CHECK_THAT(text, Contains("no more different values than centroids"));
  CHECK_THAT(text, Contains("0.0 – 0.0 0.02 0.00\n"));
  CHECK_THAT(text, Contains("cluster 1: gradient 0.03; -0.5 − 0.03 = -0.53\n"));
  CHECK_THROWS_WITH(worked::weight_sharing_quantizer().work({0, 0}), Contains("not 0"));
}

TEST_CASE("worked examples of quantizers refuse numbers they cannot work with") {
  const auto example = GENERATE(as<WorkedExample>(), worked::naive_quantizer(),
                                worked::qat_quantizer(), worked::ptq_quantizer(),
                                worked::dorefa_quantizer(), worked::weight_sharing_quantizer());
  CHECK_THROWS_WITH(example.work({}), Contains("not on 0"));
  CHECK_THROWS_WITH(example.work(std::vector<float>(17, 1)), Contains("to 16 numbers"));
  CHECK_THROWS_WITH(example.work({1, NAN}), Contains("finite"));
  CHECK_THROWS_WITH(worked::dorefa_quantizer().work({0, 0}), Contains("not 0"));
  CHECK(example.numbers.size() == 10);
  CHECK_FALSE(example.what.empty());
  CHECK_FALSE(example.work({0.5f, 0.5f}).empty());
  CHECK_FALSE(example.work({1e-20f, -1e15f, 3}).empty());
}
