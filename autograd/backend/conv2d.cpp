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

/// What one core was measured to do in a nanosecond: multiplications and additions of oneDNN's
/// direct convolutions and of its sgemm. `lanes` channels at a time are computed, the rest of the
/// last ones in vain.
struct Speeds {
  double forward, input_gradient, weight_gradient, sgemm;
  int64_t lanes;
};
Speeds speeds(const Machine& machine) {
  if (machine.instruction_set >= InstructionSet::avx512) return {100, 100, 100, 90, 16};
  return {75, 90, 67, 82, 8};
}

double direct_cost(const Conv2d& problem, const Machine& machine, double Speeds::*pass) {
  const Speeds speed = speeds(machine);
  const auto waste = [&](int64_t channels) {
    const int64_t padded = (channels + speed.lanes - 1) / speed.lanes * speed.lanes;
    return static_cast<double>(padded) / static_cast<double>(channels);
  };
  // There are kernels of their own for the few channels of a picture, but none for its gradient,
  // and for 1×1 windows, which are products of matrices.
  const bool picture = problem.channels < 8 && pass != &Speeds::input_gradient;
  const bool pointwise = problem.kernel_height * problem.kernel_width == 1;
  const double inputs = picture ? 1.0 : waste(problem.group_channels());
  return problem.operations() * inputs * waste(problem.group_out_channels()) /
         std::max(speed.*pass, pointwise ? 90.0 : 0.0);
}
template <double Speeds::*pass>
double direct_cost(const Conv2d& problem, const Machine& machine) {
  return direct_cost(problem, machine, pass);
}

/// Windows are copied row by row: each row costs something, and then each value. (Those of a single
/// channel are copied as columns, long stretches at a time.)
double im2col_cost(const Conv2d& problem, const Machine& machine) {
  const double sgemm = onednn::available ? speeds(machine).sgemm : 15;
  const double rows =
      static_cast<double>(problem.batch * problem.out_height() * problem.out_width() *
                          problem.kernel_height * problem.groups);
  const double copied = rows * static_cast<double>(problem.kernel_width * problem.group_channels());
  const bool as_columns = problem.group_channels() == 1 && problem.stride == 1;
  return problem.operations() / sgemm + copied / 12 + (as_columns ? 0.0 : 6 * rows);
}

double depthwise_cost(const Conv2d& problem, const Machine&) {
  return problem.operations() / 20;
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
