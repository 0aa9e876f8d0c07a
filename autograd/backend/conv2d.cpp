#include "espalier/autograd/backend/conv2d.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/autograd/backend/depthwise/conv2d.h"
#include "espalier/autograd/backend/im2col/conv2d.h"
#include "espalier/autograd/backend/onednn/conv2d.h"
#include "espalier/autograd/backend/onednn/matmul.h"
#include "espalier/autograd/backend/reference/conv2d.h"
#include "espalier/autograd/backend/simd/tables.h"
#include "espalier/autograd/backend/winograd/conv2d.h"

namespace espalier::backend {
namespace {

bool always(const Conv2d&, const Machine&) {
  return true;
}
bool with_onednn(const Conv2d&, const Machine&) {
  return onednn::available;
}
bool is_depthwise(const Conv2d& problem, const Machine&) {
  return depthwise::supports(problem);
}

double reference_cost(const Conv2d& problem, const Machine&) {
  return 1000 * problem.operations();
}

// Costs are what one core was measured to need, in operations per nanosecond.

/// What a core does in a nanosecond: multiplications and additions of oneDNN's direct convolutions
/// and of a matrix product. `lanes` channels at a time are computed, the rest of the last ones in
/// vain.
struct Speeds {
  double forward, input_gradient, weight_gradient, product;
  int64_t lanes;

  double padding(int64_t channels) const {
    return static_cast<double>((channels + lanes - 1) / lanes * lanes) /
           static_cast<double>(channels);
  }
};
Speeds speeds(const Machine& machine) {
  if (machine.instruction_set >= InstructionSet::avx512) return {100, 100, 100, 90, 16};
  if (machine.instruction_set >= InstructionSet::avx2) return {75, 90, 67, 82, 8};
  return {20, 20, 20, onednn::available ? 20.0 : 15.0, 4};
}

double depthwise_cost(const Conv2d& problem, const Machine&) {
  return problem.operations() / 25;
}

/// oneDNN has depthwise kernels of its own, which are faster than ours or slower.
template <double Speeds::*pass>
bool onednn_wins_depthwise(const Conv2d& problem) {
  if (pass == &Speeds::forward || problem.stride > 1) return true;
  if (pass == &Speeds::input_gradient) return problem.window() <= 9 && problem.channels % 16 == 0;
  return problem.out_height() * problem.out_width() < 256;
}

template <double Speeds::*pass>
double direct_cost(const Conv2d& problem, const Machine& machine) {
  if (is_depthwise(problem, machine)) {
    return depthwise_cost(problem, machine) * (onednn_wins_depthwise<pass>(problem) ? 0.8 : 1.25);
  }
  const Speeds speed = speeds(machine);
  // There are kernels of their own for the few channels of a picture, but none for its gradient,
  // and for 1×1 windows, which are products of matrices. Small groups cost the gradients less;
  // windows that do not follow one another cost more.
  const bool picture = problem.channels < 8 && pass != &Speeds::input_gradient;
  const bool small_groups = problem.groups > 1 && pass != &Speeds::forward;
  const bool pointwise = problem.kernel_height * problem.kernel_width == 1;
  const double strided = problem.stride > 1 && !picture && !pointwise ? 1.3 : 1.0;
  const double inputs = picture || small_groups ? 1.0 : speed.padding(problem.group_channels());
  return problem.operations() * strided * inputs * speed.padding(problem.group_out_channels()) /
         std::max(speed.*pass, pointwise ? 1.1 * speed.product : 0.0);
}

/// Windows are copied row by row: each row costs something, and then each value. (Those of a single
/// channel are copied as columns, long stretches at a time.) A product with the few channels of a
/// group leaves most of each tile empty.
double im2col_cost(const Conv2d& problem, const Machine& machine) {
  const double filled = problem.groups == 1
                            ? 1.0
                            : std::min(1.0, static_cast<double>(problem.group_out_channels()) / 32);
  const double rows =
      static_cast<double>(problem.batch * problem.out_height() * problem.out_width() *
                          problem.kernel_height * problem.groups);
  const double copied = rows * static_cast<double>(problem.kernel_width * problem.group_channels());
  const bool as_columns = problem.group_channels() == 1 && problem.stride == 1;
  return problem.operations() / (speeds(machine).product * filled) + copied / 12 +
         (as_columns ? 0.0 : 6 * rows);
}

/// Products of matrices at 36 points for each tile of 4×4 results, and the transforms: about 100
/// nanoseconds for each vector of channels, and weights once.
double winograd_cost(const Conv2d& problem, const Machine& machine) {
  const Speeds speed = speeds(machine);
  const auto whole = [&](int64_t channels) {
    return static_cast<double>(channels) * speed.padding(channels);
  };
  const double tiles = static_cast<double>(problem.batch * ((problem.out_height() + 3) / 4) *
                                           ((problem.out_width() + 3) / 4));
  const double inputs = whole(problem.channels), outputs = whole(problem.out_channels);
  const double weights = 36 * inputs * outputs;
  return tiles * (2 * weights / speed.product +
                  100 * (inputs + outputs) / static_cast<double>(speed.lanes)) +
         weights;
}

template <InstructionSet needed>
bool winograd_runs(const Conv2d& problem, const Machine& machine) {
  return winograd::supports(problem) && machine.instruction_set >= needed;
}
template <const WinogradKernels& kernels>
void winograd_forward(const Conv2d& p, const float* x, const float* w, const float* b, float* y) {
  winograd::conv2d_forward(kernels, p, x, w, b, y);
}
template <const WinogradKernels& kernels>
void winograd_input_gradient(const Conv2d& p, const float* gy, const float* w, float* gx) {
  winograd::conv2d_input_gradient(kernels, p, gy, w, gx);
}
template <const WinogradKernels& kernels>
void winograd_weight_gradient(const Conv2d& p, const float* gy, const float* x, float* gw) {
  winograd::conv2d_weight_gradient(kernels, p, gy, x, gw);
}
/// Of two instruction sets that the machine has, the better one.
template <InstructionSet set>
double winograd_cost_of(const Conv2d& problem, const Machine& machine) {
  return winograd_cost(problem, machine) * (set == machine.instruction_set ? 1 : 2);
}

constexpr Candidate<Conv2d, Conv2dForward> forward[] = {
    {"reference", always, reference_cost, reference::conv2d_forward<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_forward},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_forward},
    {"winograd/baseline", winograd_runs<InstructionSet::baseline>,
     winograd_cost_of<InstructionSet::baseline>, winograd_forward<simd::baseline_winograd>},
#if defined(__x86_64__)
    {"winograd/avx2", winograd_runs<InstructionSet::avx2>, winograd_cost_of<InstructionSet::avx2>,
     winograd_forward<simd::avx2_winograd>},
    {"winograd/avx512", winograd_runs<InstructionSet::avx512>,
     winograd_cost_of<InstructionSet::avx512>, winograd_forward<simd::avx512_winograd>},
#endif
    {"onednn", with_onednn, direct_cost<&Speeds::forward>, onednn::conv2d_forward},
};
constexpr Candidate<Conv2d, Conv2dInputGradient> input_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_input_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_input_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_input_gradient},
    {"winograd/baseline", winograd_runs<InstructionSet::baseline>,
     winograd_cost_of<InstructionSet::baseline>, winograd_input_gradient<simd::baseline_winograd>},
#if defined(__x86_64__)
    {"winograd/avx2", winograd_runs<InstructionSet::avx2>, winograd_cost_of<InstructionSet::avx2>,
     winograd_input_gradient<simd::avx2_winograd>},
    {"winograd/avx512", winograd_runs<InstructionSet::avx512>,
     winograd_cost_of<InstructionSet::avx512>, winograd_input_gradient<simd::avx512_winograd>},
#endif
    {"onednn", with_onednn, direct_cost<&Speeds::input_gradient>, onednn::conv2d_input_gradient},
};
constexpr Candidate<Conv2d, Conv2dWeightGradient> weight_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_weight_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_weight_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_weight_gradient},
    {"winograd/baseline", winograd_runs<InstructionSet::baseline>,
     winograd_cost_of<InstructionSet::baseline>, winograd_weight_gradient<simd::baseline_winograd>},
#if defined(__x86_64__)
    {"winograd/avx2", winograd_runs<InstructionSet::avx2>, winograd_cost_of<InstructionSet::avx2>,
     winograd_weight_gradient<simd::avx2_winograd>},
    {"winograd/avx512", winograd_runs<InstructionSet::avx512>,
     winograd_cost_of<InstructionSet::avx512>, winograd_weight_gradient<simd::avx512_winograd>},
#endif
    {"onednn", with_onednn, direct_cost<&Speeds::weight_gradient>, onednn::conv2d_weight_gradient},
};

}  // namespace

std::string Conv2d::describe() const {
  return fmt::format("{}x{}x{}x{} {}x{}x{} stride {} padding {} dilation {} groups {}", batch,
                     height, width, channels, out_channels, kernel_height, kernel_width, stride,
                     padding, dilation, groups);
}

const CandidateList<Conv2d, Conv2dForward>& conv2d_forward_candidates() {
  static constexpr CandidateList<Conv2d, Conv2dForward> list{"conv2d.forward", forward};
  return list;
}
const CandidateList<Conv2d, Conv2dInputGradient>& conv2d_input_gradient_candidates() {
  static constexpr CandidateList<Conv2d, Conv2dInputGradient> list{"conv2d.input_gradient",
                                                                   input_gradient};
  return list;
}
const CandidateList<Conv2d, Conv2dWeightGradient>& conv2d_weight_gradient_candidates() {
  static constexpr CandidateList<Conv2d, Conv2dWeightGradient> list{"conv2d.weight_gradient",
                                                                    weight_gradient};
  return list;
}

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y) {
  run_selected(conv2d_forward_candidates(), problem, x, w, b, y);
}
void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx) {
  run_selected(conv2d_input_gradient_candidates(), problem, gy, w, gx);
}
void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw) {
  run_selected(conv2d_weight_gradient_candidates(), problem, gy, x, gw);
}

}  // namespace espalier::backend
