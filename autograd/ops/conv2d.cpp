#include "espalier/autograd/backend/conv2d.h"

#include "espalier/autograd/core/profile.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"
#include "espalier/autograd/ops/row_sums.h"

namespace espalier {
namespace {

backend::Conv2d checked(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Conv2dOptions& options) {
  require_axes("conv2d", "the input", x, 4, "batch×height×width×channels");
  require_axes("conv2d", "the weight", weight, 4, "outputs×height×width×inputs");
  if (options.stride < 1 || options.dilation < 1 || options.groups < 1 || options.padding < 0) {
    throw Error("conv2d", "stride, dilation and groups must be at least 1 and padding at least 0");
  }
  const Shape &in = x.shape(), &w = weight.shape();
  const backend::Conv2d problem{
      in[0],         in[1], in[2],          in[3],           w[0],
      w[1],          w[2],  options.stride, options.padding, options.dilation,
      options.groups};
  if (in[3] != w[3] * options.groups) {
    throw Error("conv2d", "the input has " + std::to_string(in[3]) +
                              " channels but the weight expects " +
                              std::to_string(w[3] * options.groups));
  }
  if (w[0] % options.groups != 0) {
    throw Error("conv2d", std::to_string(w[0]) + " outputs cannot be divided into " +
                              std::to_string(options.groups) + " groups");
  }
  if (problem.out_height() < 1 || problem.out_width() < 1) {
    throw Error("conv2d", "a kernel of " + std::to_string(w[1]) + "×" + std::to_string(w[2]) +
                              " does not fit an input of " + std::to_string(in[1]) + "×" +
                              std::to_string(in[2]) + " with padding " +
                              std::to_string(options.padding));
  }
  require_bias("conv2d", bias, w[0]);
  return problem;
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  const backend::Conv2d problem = checked(x, weight, bias, options);
  NewTensor y({problem.batch, problem.out_height(), problem.out_width(), problem.out_channels});
  {
    const Profile::Part part(Work::forward);
    conv2d_forward(problem, x.data(), weight.data(), bias.defined() ? bias.data() : nullptr,
                   y.data());
  }
  return record(
      "conv2d", {&x, &weight, &bias}, std::move(y),
      {{"stride", static_cast<double>(options.stride)},
       {"padding", static_cast<double>(options.padding)},
       {"dilation", static_cast<double>(options.dilation)},
       {"groups", static_cast<double>(options.groups)}},
      [x = Saved(x), weight = Saved(weight), problem](const Tensor& g, InputGradients& into) {
        const Tensor &input = x.get("conv2d"), &w = weight.get("conv2d");
        if (into.needed(0)) {
          const Profile::Part part(Work::input_gradient);
          NewTensor gx(input.shape());
          conv2d_input_gradient(problem, g.data(), w.data(), gx.data());
          into.add(0, std::move(gx));
        }
        if (into.needed(1)) {
          const Profile::Part part(Work::weight_gradient);
          NewTensor gw(w.shape());
          conv2d_weight_gradient(problem, g.data(), input.data(), gw.data());
          into.add(1, std::move(gw));
        }
        if (into.needed(2)) into.add(2, sum_to_last_axis(g));
      });
}

}  // namespace espalier
