#include "espalier/autograd/backend/conv2d.h"

#include <algorithm>

#include "espalier/autograd/backend/depthwise/conv2d.h"
#include "espalier/autograd/backend/im2col/conv2d.h"
#include "espalier/autograd/backend/onednn/conv2d.h"
#include "espalier/autograd/backend/onednn/matmul.h"
#include "espalier/autograd/backend/reference/conv2d.h"

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

/// How many channels oneDNN's direct convolution computes for each one there is: it works on 16 at
/// a time, and the rest of the last 16 is computed in vain.
double padding_to_lanes(int64_t channels) {
  return static_cast<double>((channels + 15) / 16 * 16) / static_cast<double>(channels);
}

double depthwise_cost(const Conv2d& problem, const Machine&) {
  return problem.operations() / 25;
}

/// oneDNN has depthwise kernels of its own, which are faster than ours or slower: `faster` says for
/// whom.
double onednn_depthwise_cost(const Conv2d& problem, const Machine& machine, bool faster) {
  return depthwise_cost(problem, machine) * (faster ? 0.8 : 1.25);
}

double direct_forward_cost(const Conv2d& problem, const Machine& machine) {
  if (is_depthwise(problem, machine)) return onednn_depthwise_cost(problem, machine, true);
  const double waste =
      padding_to_lanes(problem.group_out_channels()) * padding_to_lanes(problem.group_channels());
  return problem.operations() * (problem.channels < 8 ? 1.6 : waste) / 100;
}

/// Small groups cost the gradients less than the forward pass.
double direct_gradient_cost(const Conv2d& problem, const Machine& machine) {
  if (problem.groups == 1) return direct_forward_cost(problem, machine);
  return problem.operations() * padding_to_lanes(problem.group_out_channels()) / 100;
}

double direct_input_gradient_cost(const Conv2d& problem, const Machine& machine) {
  if (!is_depthwise(problem, machine)) return direct_gradient_cost(problem, machine);
  const bool small_kernel = problem.window() <= 9 && problem.channels % 16 == 0;
  return onednn_depthwise_cost(problem, machine, small_kernel || problem.stride > 1);
}

double direct_weight_gradient_cost(const Conv2d& problem, const Machine& machine) {
  if (!is_depthwise(problem, machine)) return direct_gradient_cost(problem, machine);
  const bool small_picture = problem.out_height() * problem.out_width() < 256;
  return onednn_depthwise_cost(problem, machine, small_picture || problem.stride > 1);
}

/// Copying windows takes about one nanosecond per eight values. A product with the few channels of
/// a group leaves most of each tile empty.
double im2col_cost(const Conv2d& problem, const Machine& machine) {
  const bool fast = onednn::available || machine.instruction_set >= InstructionSet::avx2;
  const double filled = problem.groups == 1
                            ? 1.0
                            : std::min(1.0, static_cast<double>(problem.group_out_channels()) / 32);
  const double copied =
      static_cast<double>(problem.batch * problem.out_height() * problem.out_width() *
                          problem.kernel_height * problem.kernel_width * problem.channels);
  return problem.operations() / ((fast ? 90 : 15) * filled) + copied / 8;
}

constexpr Candidate<Conv2d, Conv2dForward> forward[] = {
    {"reference", always, reference_cost, reference::conv2d_forward<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_forward},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_forward},
    {"onednn", with_onednn, direct_forward_cost, onednn::conv2d_forward},
};
constexpr Candidate<Conv2d, Conv2dInputGradient> input_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_input_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_input_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_input_gradient},
    {"onednn", with_onednn, direct_input_gradient_cost, onednn::conv2d_input_gradient},
};
constexpr Candidate<Conv2d, Conv2dWeightGradient> weight_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_weight_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_weight_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_weight_gradient},
    {"onednn", with_onednn, direct_weight_gradient_cost, onednn::conv2d_weight_gradient},
};

}  // namespace

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
  select(conv2d_forward_candidates(), problem).run(problem, x, w, b, y);
}
void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx) {
  select(conv2d_input_gradient_candidates(), problem).run(problem, gy, w, gx);
}
void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw) {
  select(conv2d_weight_gradient_candidates(), problem).run(problem, gy, x, gw);
}

}  // namespace espalier::backend
