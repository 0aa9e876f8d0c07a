#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// An exported network: plain data that says completely what is computed, in which order, with
/// which numbers. An exporter fills it, `encode` writes it, the generator of C code and the
/// verifier read it. Tensors have the layout of the framework: `N×H×W×C` and `O×kH×kW×I`; N is left
/// out.
///
/// A value is float32 or an integer code of 8 bits with value = scale·(code − zero_point). The
/// arithmetic on codes is integer only; its one rounding rule is in compress/runtime/fixed_point.h
/// and in docs/file-format.md, and every implementation gets the same integers from it.
///
/// Operations are written singly, each with the rounding it has: what a runtime computes in one
/// pass (convolution, addition, ReLU, pooling) is its own affair and changes no integer.
namespace espalier::compress::file {

/// Which values a tensor of codes can have: scale·(code − zero_point), lowest ≤ code ≤ highest.
/// −128 ≤ lowest ≤ zero_point ≤ highest ≤ 127; codes of a training grid 0…255 are stored less 128,
/// and so is the zero point, which changes no value.
struct Grid {
  float scale = 1;  ///< above 0
  int zero_point = 0;
  int lowest = -128;
  int highest = 127;
};

/// What flows between operations.
struct Value {
  std::vector<int64_t> shape;     ///< one sample's: {H, W, C} or {C}, each extent from 1
  std::optional<Grid> grid = {};  ///< of codes; none: float32

  bool has_codes() const { return grid.has_value(); }
};

/// The weights of a convolution `O×kH×kW×(C/groups)` or of a linear layer `O×I`, in one of three
/// forms. An element that is 0 is pruned: it costs next to nothing in the file, and the runtime
/// skips it where that is faster.
struct Weights {
  std::vector<int64_t> shape;

  /// Float32, one per element; or empty.
  std::vector<float> values;

  /// Integers from −255 to 255 with weight = scale·code; or empty. The zero point of an affine grid
  /// is subtracted already, hence the ninth bit. How many bits a code costs is decided by which
  /// codes occur.
  std::vector<int16_t> codes;
  std::vector<float> scales;  ///< of codes, above 0: one for all, or one per output channel

  /// Indices into a table of at most 256 values with weight = codebook[index]; or empty. Pruned
  /// elements have an index whose value is 0. For float32 inputs only.
  std::vector<uint8_t> indices;
  std::vector<float> codebook;

  float scale(int64_t output) const {
    return scales.size() == 1 ? scales[0] : scales[static_cast<size_t>(output)];
  }
};

/// What is added to each output channel, already with a batch normalisation folded in; all empty:
/// nothing. Codes are cheap where they are small or have zeros as their lowest bits, the same
/// number in all: an exporter that stores biases in 8 or 16 bits rounds them to such numbers.
struct Bias {
  std::vector<float> values;   ///< for float32 inputs: the bias itself, or
  std::vector<int32_t> codes;  ///< the bias is scale·code. For inputs of codes: multiples of
  float scale = 0;             ///< weight scale × input scale, this scale is not used and 0
};

/// What follows at once, at no cost: on codes it only narrows the range of the result to
/// max(lowest, zero_point) … min(highest, zero_point + 6/scale rounded half to even).
enum class Clamp : uint8_t { none, relu, relu6 };

/// y[p,q,o] = b[o] + Σ x[p·stride − padding + i·dilation, q·stride − padding + j·dilation, c]·
/// W[o,i,j,c], and the clamp; groups as in every framework, C for a depthwise convolution.
/// Padding has the value 0, which is the zero point's code. From codes to codes: int32 sums of
/// (x − zero_point)·w + bias, times scale_w·scale_x/scale_y, rounded once. From codes to float32:
/// float(sum)·float(scale_w·scale_x). From float32 to float32.
struct Convolution {
  Weights weights = {};
  Bias bias = {};
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  int groups = 1;
  Clamp clamp = Clamp::none;
};

/// y = x·Wᵀ + b and the clamp; x {I}, W `O×I`, y {O}. Kinds as for a convolution.
struct Linear {
  Weights weights = {};
  Bias bias = {};
  Clamp clamp = Clamp::none;
};

/// The largest value of each window; padding never wins. Codes keep their grid.
struct MaxPool {
  int kernel = 2;
  int stride = 2;
  int padding = 0;  ///< less than the kernel
};

/// The mean of each window, where padding counts as zeros. Codes: Σ(x − zero_point) times
/// scale_x/(scale_y·kernel²), rounded once.
struct AveragePool {
  int kernel = 2;
  int stride = 2;
  int padding = 0;  ///< less than the kernel
};

/// The mean over all pixels: {H, W, C} → {C}. Codes: as above with H·W for kernel².
struct GlobalAveragePool {};

/// a + b and the clamp. Codes: (a − zero_a)·scale_a/scale_y + (b − zero_b)·scale_b/scale_y with one
/// rounding for both.
struct Add {
  Clamp clamp = Clamp::none;
};

/// The inputs side by side along the last axis. Codes: each (x − zero_x)·scale_x/scale_y, rounded;
/// equal grids are copied.
struct Concat {};

/// {H, W, C} → {C·H·W}, channel outermost, the order in which autograd/ops.h flattens. Codes keep
/// their grid.
struct Flatten {};

/// The same elements in the same order in the output's shape. Codes keep their grid.
struct Reshape {};

enum class Function : uint8_t { relu, relu6, leaky_relu, sigmoid, tanh, gelu, hardswish };

/// A function of each element, as in autograd/ops.h. On codes it is a table, because no two
/// mathematical libraries agree in the last bit of a tangent: table[code + 128], with entries for
/// codes the input cannot have as the output's zero point. `activation_table` fills it.
struct Activation {
  Function function = Function::relu;
  float slope = 0.01f;        ///< of leaky_relu
  std::vector<int8_t> table;  ///< 256 codes where values are codes, else empty
};

/// From float32 to codes: round(x/scale), half to even, in float32, plus zero_point, limited; from
/// codes to float32: scale·(code − zero_point); from codes to codes as `Concat` does it.
struct Convert {};

using What = std::variant<Convolution, Linear, MaxPool, AveragePool, GlobalAveragePool, Add, Concat,
                          Flatten, Reshape, Activation, Convert>;

/// One operation. Its inputs are the network's input or results of operations before it.
struct Operation {
  std::string layer;        ///< the path of its layer, for people; may be empty
  std::vector<int> inputs;  ///< indices into `Network::values`; two for Add, more for Concat
  int output = 0;           ///< index into `Network::values`; each value but the first is made once
  What what;
};

/// How the network takes pictures. It can be run with pixels (a byte per element, `H×W×C`) or with
/// float32 in place of pixel/255; both are brought to (x − mean[c])/deviation[c], in double and
/// then rounded to float32, and, if the first value has codes, converted as by `Convert`. For
/// pixels that is a table of 256 entries per channel.
struct Normalisation {
  std::vector<float> mean;       ///< one per channel, one for all, or empty: 0
  std::vector<float> deviation;  ///< likewise, above 0; empty: 1
};

/// What the network must answer to an input that is made from a seed, so that a program can check
/// on its own machine that it has the network that was exported: pixels are the bytes of the
/// generator in docs/file-format.md. Of the last value: `codes` if it has codes, else `values`,
/// which hold to 10⁻⁴ of the largest.
struct SelfTest {
  uint32_t seed = 0;
  std::vector<int8_t> codes;
  std::vector<float> values;
};

struct Network {
  std::vector<Value> values;  ///< the first is the input, the last the output
  std::vector<Operation> operations;
  Normalisation normalisation;
  std::optional<SelfTest> self_test;
  std::vector<std::string> class_names;  ///< one for each number of the result, or none
};

}  // namespace espalier::compress::file
