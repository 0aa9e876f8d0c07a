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
  // and for 1×1 windows, which are products of matrices. Small groups cost the gradients less.
  const bool picture = problem.channels < 8 && pass != &Speeds::input_gradient;
  const bool small_groups = problem.groups > 1 && pass != &Speeds::forward;
  const bool pointwise = problem.kernel_height * problem.kernel_width == 1;
  const double inputs = picture || small_groups ? 1.0 : speed.padding(problem.group_channels());
  return problem.operations() * inputs * speed.padding(problem.group_out_channels()) /
         std::max(speed.*pass, pointwise ? speed.product : 0.0);
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

constexpr Candidate<Conv2d, Conv2dForward> forward[] = {
    {"reference", always, reference_cost, reference::conv2d_forward<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_forward},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_forward},
    {"onednn", with_onednn, direct_cost<&Speeds::forward>, onednn::conv2d_forward},
};
constexpr Candidate<Conv2d, Conv2dInputGradient> input_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_input_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_input_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_input_gradient},
    {"onednn", with_onednn, direct_cost<&Speeds::input_gradient>, onednn::conv2d_input_gradient},
};
constexpr Candidate<Conv2d, Conv2dWeightGradient> weight_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_weight_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_weight_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_weight_gradient},
    {"onednn", with_onednn, direct_cost<&Speeds::weight_gradient>, onednn::conv2d_weight_gradient},
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
