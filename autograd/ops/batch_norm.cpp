#include <cmath>

#include "espalier/autograd/backend/channel_kernels.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"
#include "espalier/autograd/ops/checks.h"

namespace espalier {
namespace {

void require_channels(const char* what, const Tensor& values, int64_t channels) {
  if (values.defined() && values.shape() == Shape{channels}) return;
  throw Error("batch_norm",
              std::string("the ") + what + " must have one value for each of the " +
                  std::to_string(channels) + " channels, but its shape is " +
                  (values.defined() ? values.shape().to_string() : std::string("undefined")));
}

/// The rows of an image matrix, cut into the parts that threads work on.
struct Rows {
  int64_t count, channels;
  int64_t grain() const { return 1 + elementwise_grain / (channels + 1); }
  int parts() const { return parallel_part_count(count, grain()); }
  template <class Body>
  void in_parts(Body&& body /* (first, rows, part) */) const {
    parallel_parts(count, grain(),
                   [&](int64_t begin, int64_t end, int part) { body(begin, end - begin, part); });
  }
};

/// Two numbers in double precision for each channel.
struct ChannelDoubles {
  explicit ChannelDoubles(int64_t sets, int64_t channel_count)
      : channels(channel_count),
        memory(Engine::current().buffers().take(static_cast<size_t>(sets * 2 * channel_count) *
                                                sizeof(double))) {}
  double* first(int64_t set = 0) { return memory.as<double>() + set * 2 * channels; }
  double* second(int64_t set = 0) { return first(set) + channels; }

  int64_t channels;
  Buffer memory;
};

/// Mean and Σ(x − mean)² of every channel.
ChannelDoubles batch_moments(const Rows& rows, const float* x) {
  const auto& kernel = backend::channel_kernels();
  const int parts = rows.parts();
  ChannelDoubles moments(parts, rows.channels);
  rows.in_parts([&](int64_t first, int64_t count, int part) {
    kernel.moments(count, rows.channels, x + first * rows.channels, moments.first(part),
                   moments.second(part));
  });
  double *mean = moments.first(), *squares = moments.second();
  int64_t before = rows.count / parts;  // as `parallel_parts` cuts
  for (int part = 1; part < parts; ++part) {
    const int64_t after = rows.count * (part + 1) / parts;
    const double share = static_cast<double>(after - before) / static_cast<double>(after);
    for (int64_t c = 0; c < rows.channels; ++c) {
      const double difference = moments.first(part)[c] - mean[c];
      mean[c] += difference * share;
      squares[c] +=
          moments.second(part)[c] + difference * difference * share * static_cast<double>(before);
    }
    before = after;
  }
  return moments;
}

/// What forward and backward compute with, a row of the tensor for each.
class Constants {
 public:
  explicit Constants(int64_t channels) : channels_(channels), values_({5, channels}) {}
  float* center() { return row(0); }
  float* factor() { return row(1); }
  float* offset() { return row(2); }
  float* inverse_deviation() { return row(3); }
  /// center − mean: the mean is a double, the centre what a float can hold of it.
  float* center_error() { return row(4); }
  backend::ChannelMap map() { return {center(), factor(), offset()}; }

  void set(int64_t c, double mean, double variance, double epsilon, float scale, float shift) {
    const double inverse = 1.0 / std::sqrt(variance + epsilon);
    center()[c] = static_cast<float>(mean);
    center_error()[c] = static_cast<float>(double{center()[c]} - mean);
    inverse_deviation()[c] = static_cast<float>(inverse);
    factor()[c] = static_cast<float>(inverse * double{scale});
    offset()[c] =
        static_cast<float>(double{shift} + (double{center()[c]} - mean) * inverse * double{scale});
  }

 private:
  float* row(int64_t i) { return values_.data() + i * channels_; }
  int64_t channels_;
  NewTensor values_;
};

/// (1 − momentum)·running + momentum·batch, in a tensor of its own.
Tensor moved(const Tensor& running, double momentum, const double* batch, double factor) {
  NewTensor result(running.shape());
  for (int64_t c = 0; c < result.size(); ++c) {
    result[c] =
        static_cast<float>((1 - momentum) * double{running[c]} + momentum * factor * batch[c]);
  }
  return result;
}

void check(const Tensor& x, const Tensor& scale, const Tensor& shift, const Tensor& running_mean,
           const Tensor& running_variance, const BatchNormOptions& options) {
  if (x.shape().axes() < 2 || x.size() == 0) {
    throw Error("batch_norm",
                "the input must be batch×…×channels, but its shape is " + x.shape().to_string());
  }
  const int64_t channels = x.shape()[x.shape().axes() - 1];
  require_channels("scale", scale, channels);
  require_channels("shift", shift, channels);
  require_channels("running mean", running_mean, channels);
  require_channels("running variance", running_variance, channels);
  if (options.residual.defined()) require_same_shape("batch_norm", x, options.residual);
  if (options.training && x.size() == channels) {
    throw Error("batch_norm",
                "training needs at least two values a channel to have a variance, but the shape "
                "of the input is " +
                    x.shape().to_string());
  }
}

/// Backward. With h the gradient before the ReLU, x̂ the normalised input and n its rows:
/// ∂scale = Σ h·x̂, ∂shift = Σ h, ∂residual = h and
/// ∂x = factor·(h − Σh/n − x̂·Σ(h·x̂)/n), in evaluation factor·h.
class BatchNormGradient {
 public:
  BatchNormGradient(const Rows& rows, Constants constants, const Tensor& x, const Tensor& y,
                    const BatchNormOptions& options)
      : rows_(rows),
        constants_(std::move(constants)),
        training_(options.training),
        relu_(options.relu),
        // Which values the ReLU passed is seen from x, unless a residual was added to them.
        look_at_result_(options.relu && options.residual.defined()),
        x_(x),
        y_(look_at_result_ ? y : x) {}

  void operator()(const Tensor& g, InputGradients& into) {
    const int64_t channels = rows_.channels;
    const float* x = x_.get("batch_norm").data();
    const float* y = look_at_result_ ? y_.get("batch_norm").data() : nullptr;
    const backend::ChannelMap map = constants_.map();
    const auto& kernel = backend::channel_kernels();

    ChannelDoubles sums(rows_.parts(), channels);
    const auto add_up = [&](float* h) {
      rows_.in_parts([&](int64_t first, int64_t count, int part) {
        const int64_t at = first * channels;
        kernel.normalise_sums(count, channels, map, relu_, x + at, y ? y + at : nullptr,
                              g.data() + at, h ? h + at : nullptr, sums.first(part),
                              sums.second(part));
      });
    };
    Tensor h = g;
    if (look_at_result_) {  // kept: it is the gradient of the residual
      NewTensor kept(g.shape());
      add_up(kept.data());
      h = std::move(kept);
    } else {
      add_up(nullptr);
    }

    NewTensor g_scale({channels}), g_shift({channels}), slope({channels}), constant({channels});
    const double share = training_ ? 1.0 / static_cast<double>(rows_.count) : 0.0;
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0, product = 0;
      for (int part = 0; part < rows_.parts(); ++part) {
        sum += sums.first(part)[c];
        product += sums.second(part)[c];
      }
      // x̂ = (x − center + error) / deviation.
      const double inverse = double{constants_.inverse_deviation()[c]};
      const double error = double{constants_.center_error()[c]};
      const double factor = double{constants_.factor()[c]};
      const double along = inverse * (product + error * sum);
      g_scale[c] = static_cast<float>(along);
      g_shift[c] = static_cast<float>(sum);
      slope[c] = static_cast<float>(-factor * inverse * along * share);
      constant[c] = static_cast<float>(-factor * (sum + error * inverse * along) * share);
    }

    if (into.needed(0)) {
      NewTensor gx(g.shape());
      rows_.in_parts([&](int64_t first, int64_t count, int) {
        const int64_t at = first * channels;
        kernel.normalise_gradient(count, channels, map, relu_ && !look_at_result_, slope.data(),
                                  constant.data(), x + at, h.data() + at, gx.data() + at);
      });
      into.add(0, std::move(gx));
    }
    if (into.needed(1)) into.add(1, std::move(g_scale));
    if (into.needed(2)) into.add(2, std::move(g_shift));
    if (into.needed(3)) into.add(3, std::move(h));
  }

 private:
  Rows rows_;
  Constants constants_;
  bool training_, relu_, look_at_result_;
  Saved x_, y_;
};

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, Tensor& running_mean,
                  Tensor& running_variance, const BatchNormOptions& options) {
  check(x, scale, shift, running_mean, running_variance, options);
  const int64_t channels = scale.size();
  const Rows rows{x.size() / channels, channels};

  Constants constants(channels);
  if (options.training) {
    ChannelDoubles moments = batch_moments(rows, x.data());
    const double count = static_cast<double>(rows.count);
    const double *mean = moments.first(), *squares = moments.second();
    for (int64_t c = 0; c < channels; ++c)
      constants.set(c, mean[c], squares[c] / count, options.epsilon, scale[c], shift[c]);
    running_mean = moved(running_mean, options.momentum, mean, 1.0);
    running_variance = moved(running_variance, options.momentum, squares, 1.0 / (count - 1));
  } else {
    for (int64_t c = 0; c < channels; ++c) {
      constants.set(c, double{running_mean[c]}, double{running_variance[c]}, options.epsilon,
                    scale[c], shift[c]);
    }
  }

  NewTensor result(x.shape());
  const auto& kernel = backend::channel_kernels();
  const float* residual = options.residual.defined() ? options.residual.data() : nullptr;
  rows.in_parts([&](int64_t first, int64_t count, int) {
    const int64_t at = first * channels;
    kernel.normalise(count, channels, constants.map(), options.relu, x.data() + at,
                     residual ? residual + at : nullptr, result.data() + at);
  });
  const Tensor y = std::move(result);
  return record("batch_norm", {&x, &scale, &shift, &options.residual}, y,
                {{"epsilon", options.epsilon}, {"relu", options.relu ? 1.0 : 0.0}},
                BatchNormGradient(rows, std::move(constants), x, y, options));
}

}  // namespace espalier
