#pragma once

#include <cstdint>
#include <string>

#include "espalier/autograd/backend/candidate.h"

namespace espalier::backend {

/// The sizes of a convolution. x `batch×height×width×channels`, W `out_channels×kernel_height×
/// kernel_width×(channels/groups)`, y `batch×out_height×out_width×out_channels`.
struct Conv2d {
  int64_t batch, height, width, channels;
  int64_t out_channels, kernel_height, kernel_width;
  int64_t stride, padding, dilation, groups;

  int64_t out_height() const { return extent(height, kernel_height); }
  int64_t out_width() const { return extent(width, kernel_width); }
  /// All sizes: `128x32x32x3 16x3x3 stride 1 padding 1 dilation 1 groups 1`.
  std::string describe() const;
  bool adds() const { return false; }
  int64_t group_channels() const { return channels / groups; }
  int64_t group_out_channels() const { return out_channels / groups; }
  /// Weights that take part in one output value.
  int64_t window() const { return kernel_height * kernel_width * group_channels(); }
  /// Multiplications and additions of one pass (forward, input gradient or weight gradient).
  double operations() const {
    return 2.0 * static_cast<double>(batch * out_height() * out_width() * out_channels) *
           static_cast<double>(window());
  }

 private:
  int64_t extent(int64_t input, int64_t kernel) const {
    const int64_t span = dilation * (kernel - 1) + 1;
    return input + 2 * padding < span ? 0 : (input + 2 * padding - span) / stride + 1;
  }
};

/// y = x∗W + b; b may be null.
using Conv2dForward = void(const Conv2d&, const float* x, const float* w, const float* b, float* y);
/// gx from gy and W.
using Conv2dInputGradient = void(const Conv2d&, const float* gy, const float* w, float* gx);
/// gW from gy and x.
using Conv2dWeightGradient = void(const Conv2d&, const float* gy, const float* x, float* gw);

const CandidateList<Conv2d, Conv2dForward>& conv2d_forward_candidates();
const CandidateList<Conv2d, Conv2dInputGradient>& conv2d_input_gradient_candidates();
const CandidateList<Conv2d, Conv2dWeightGradient>& conv2d_weight_gradient_candidates();

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y);
void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx);
void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw);

}  // namespace espalier::backend
