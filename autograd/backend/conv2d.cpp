#include "espalier/autograd/backend/conv2d.h"

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

// Per core and nanosecond, sgemm does about 90 operations and oneDNN's direct convolution 100, if
// both channel counts are multiples of its 16 lanes; the rest of the last 16 is computed in vain.
// Copying windows costs im2col about one nanosecond per eight values.
double direct_cost(const Conv2d& problem, const Machine&) {
  const auto padded = [](int64_t channels) {
    return static_cast<double>((channels + 15) / 16 * 16);
  };
  const double waste =
      padded(problem.group_out_channels()) / static_cast<double>(problem.group_out_channels()) *
      padded(problem.group_channels()) / static_cast<double>(problem.group_channels());
  return problem.operations() * (problem.channels < 8 ? 1.6 : waste) / 100;
}

double im2col_cost(const Conv2d& problem, const Machine&) {
  const double sgemm = onednn::available ? 90 : 15;
  const double copied =
      static_cast<double>(problem.batch * problem.out_height() * problem.out_width() *
                          problem.kernel_height * problem.kernel_width * problem.channels);
  return problem.operations() / sgemm + copied / 8;
}

double depthwise_cost(const Conv2d& problem, const Machine&) {
  return problem.operations() / 20;
}

constexpr Candidate<Conv2d, Conv2dForward> forward[] = {
    {"reference", always, reference_cost, reference::conv2d_forward<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_forward},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_forward},
    {"onednn", with_onednn, direct_cost, onednn::conv2d_forward},
};
constexpr Candidate<Conv2d, Conv2dInputGradient> input_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_input_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_input_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_input_gradient},
    {"onednn", with_onednn, direct_cost, onednn::conv2d_input_gradient},
};
constexpr Candidate<Conv2d, Conv2dWeightGradient> weight_gradient[] = {
    {"reference", always, reference_cost, reference::conv2d_weight_gradient<float>},
    {"im2col", always, im2col_cost, im2col::conv2d_weight_gradient},
    {"depthwise", is_depthwise, depthwise_cost, depthwise::conv2d_weight_gradient},
    {"onednn", with_onednn, direct_cost, onednn::conv2d_weight_gradient},
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
