#pragma once

#include <cstdint>
#include <span>

#include "espalier/autograd/core/random.h"
#include "espalier/autograd/mask.h"
#include "espalier/autograd/tensor.h"

/// The operations. Each computes its result at once and can be differentiated; wrong shapes are an
/// Error that names the operation and the shapes. `g` is the gradient of the result.
namespace espalier {

/// y = x·Wᵀ + b. x `N×I`, W `O×I`, b `O` or undefined; y `N×O`.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

struct Conv2dOptions {
  int64_t stride = 1;
  int64_t padding = 0;  ///< zeros added on each side
  int64_t dilation = 1;
  int64_t groups = 1;
};
/// Cross-correlation, as every framework calls convolution:
/// y[n,p,q,o] = b[o] + Σ_{i,j,c} x[n, p·stride − padding + i·dilation, q·stride − padding +
/// j·dilation, c]·W[o,i,j,c]. x `N×H×W×C`, W `O×kH×kW×(C/groups)`, b `O` or undefined; y `N×P×Q×O`.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options);

struct MaxPool2dOptions {
  int64_t kernel = 2;
  int64_t stride = 0;  ///< 0: the kernel's size
  int64_t padding = 0;
};
/// The largest value of each window and channel; the first of equal ones gets the gradient.
/// x `N×H×W×C`; y `N×P×Q×C`, incomplete windows at the right and lower edge are dropped.
Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options);

struct AvgPool2dOptions {
  int64_t kernel = 2;
  int64_t stride = 0;   ///< 0: the kernel's size
  int64_t padding = 0;  ///< zeros, which count as values
};
/// The mean of each window and channel: Σ of the window / kernel².
/// x `N×H×W×C`; y `N×P×Q×C`, incomplete windows at the right and lower edge are dropped.
Tensor avg_pool2d(const Tensor& x, const AvgPool2dOptions& options);

/// The mean over all pixels. x `N×H×W×C`; y `N×C`.
Tensor global_avg_pool2d(const Tensor& x);

struct BatchNormOptions {
  bool training = true;
  double momentum = 0.1;  ///< share of the newest batch in the running statistics
  double epsilon = 1e-5;
  Tensor residual = {};  ///< added to the result; undefined: nothing
  bool relu = false;     ///< whether max(·, 0) follows
};
/// Batch normalisation (Ioffe & Szegedy, arXiv 1502.03167, algorithms 1 and 2), channel by channel:
///
///     y = scale·(x − mean) / √(variance + ε) + shift
///
/// and then, in the same pass over memory, y + residual and max(y, 0) where the options ask for it.
/// x and y `N×…×C`, residual as x, the others `C`.
///
/// In training mean and variance are those of the batch (Σ(x − mean)² / count), and the handles of
/// the running statistics are set to new tensors, (1 − momentum)·running + momentum·batch, with the
/// unbiased variance Σ(x − mean)² / (count − 1). In evaluation the running statistics take the
/// place of the batch's and are not changed. \throws Error in training when a channel has a single
/// value
Tensor batch_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, Tensor& running_mean,
                  Tensor& running_variance, const BatchNormOptions& options = {});

/// max(x, 0); the gradient at 0 is 0.
Tensor relu(const Tensor& x);

/// min(max(x, 0), 6); the gradient at 0 and 6 is 0.
Tensor relu6(const Tensor& x);

/// x where x > 0, else slope·x (Maas et al., *Rectifier Nonlinearities Improve Neural Network
/// Acoustic Models*, 2013).
Tensor leaky_relu(const Tensor& x, float slope = 0.01f);

/// 1/(1 + e⁻ˣ).
Tensor sigmoid(const Tensor& x);

/// The hyperbolic tangent.
Tensor tanh(const Tensor& x);

/// x·Φ(x) with Φ(x) = ½(1 + erf(x/√2)), the exact form (Hendrycks & Gimpel, arXiv 1606.08415).
Tensor gelu(const Tensor& x);

/// x·min(max(x + 3, 0), 6)/6 (Howard et al., arXiv 1905.02244, section 5.2); the gradient is 0 at
/// −3 and 1 at 3.
Tensor hardswish(const Tensor& x);

/// Every element with probability p set to 0, the others multiplied by 1/(1 − p), so that the
/// expected value stays (Srivastava et al., JMLR 15, 2014, in the inverted form). Element i is kept
/// when `random.uniform(i)` ≥ p, whatever the thread count. \throws Error unless 0 ≤ p < 1
Tensor dropout(const Tensor& x, double p, const RandomStream& random);

/// eˣ[k]/Σ_j eˣ[j] along each row of x `N×K`, and its logarithm.
Tensor softmax(const Tensor& x);
Tensor log_softmax(const Tensor& x);

/// The same values in another shape of as many elements; memory is shared.
Tensor reshape(const Tensor& x, const Shape& shape);

/// `N×H×W×C` → `N×(C·H·W)`, channel outermost: the order in which PyTorch flattens, so that weights
/// of the layer behind can be exchanged with it. Any other `N×…` is only reshaped.
Tensor flatten(const Tensor& x);

/// The tensors side by side along the last axis, in the given order: `N×H×W×C₁`, `N×H×W×C₂` →
/// `N×H×W×(C₁+C₂)`. Their other extents must be equal.
Tensor concat(std::span<const Tensor> parts);

/// a + b, a·b element by element; shapes must be equal.
Tensor add(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);

/// Σ x and Σ x / size, a scalar.
Tensor sum(const Tensor& x);
Tensor mean(const Tensor& x);

struct CrossEntropyOptions {
  double label_smoothing = 0;  ///< ε in [0, 1]
};
/// Mean over the batch of −Σ_k q[k]·log softmax(logits)[k] with q[k] = (1 − ε)·[k is the label] +
/// ε/K: label smoothing as in Szegedy et al., arXiv 1512.00567, section 7; without it −log
/// softmax(logits)[label]. logits `N×K`, labels N in [0, K); a scalar.
Tensor cross_entropy(const Tensor& logits, const Labels& labels,
                     const CrossEntropyOptions& options = {});

struct DistillationOptions {
  double temperature = 1;      ///< T above 0
  double weight = 0.5;         ///< α in [0, 1]: the teacher's share
  double label_smoothing = 0;  ///< of the labels' share, as in `cross_entropy`
};
/// Knowledge distillation (Hinton, Vinyals & Dean, arXiv 1503.02531, section 2): a student learns
/// from labels and from a teacher's answers, both softened by a temperature. Mean over the batch of
///
///     (1 − α)·cross_entropy(logits, label) + α·T²·KL(t ‖ p),   t = softmax(teacher_logits/T),
///     KL(t ‖ p) = Σ_k t[k]·(log t[k] − log p[k]),              p = softmax(logits/T)
///
/// Softening divides the gradient by about T²; the factor T² makes up for it, so that α means the
/// same at every temperature (same section). The paper has the cross entropy of t and p in place of
/// their divergence, which is larger by a constant; the gradients are equal. No gradient reaches
/// the teacher. With α = 0 the loss is that of `cross_entropy`, bit by bit.
/// Both logits `N×K`, labels N in [0, K); a scalar. \throws Error also for options out of range
Tensor distillation_loss(const Tensor& logits, const Tensor& teacher_logits, const Labels& labels,
                         const DistillationOptions& options = {});

/// Mean over all elements of (prediction − target)²; shapes must be equal. A scalar.
Tensor mse_loss(const Tensor& prediction, const Tensor& target);

/// Which gradient an entry outside the mask gets.
enum class MaskGradient {
  masked,            ///< m⊙g: masked entries get none
  straight_through,  ///< g: masked entries are trained as if they were not
};
/// m⊙x. Mask and x have equal shapes.
Tensor masked_multiply(const Tensor& x, const Mask& mask,
                       MaskGradient gradient = MaskGradient::masked);

/// x rounded to the nearest integer, ties to even; the gradient passes straight through.
/// Surrogate: x + stop(round(x) − x).
Tensor round_straight_through(const Tensor& x);

/// The values that a quantized number can have: scale·(code − zero_point) for the integer codes
/// from `lowest` to `highest`. 0 is one of them as long as the zero point is.
struct QuantizationGrid {
  float scale = 1;
  int32_t zero_point = 0;
  int32_t lowest = 0, highest = 255;

  float low() const { return scale * static_cast<float>(lowest - zero_point); }
  float high() const { return scale * static_cast<float>(highest - zero_point); }
};
/// x as an integer engine would store it, in float (Jacob et al., arXiv 1712.05877, equation 12):
/// the nearest value of the grid, by code = round(x/scale) + zero_point with ties to even, limited
/// to lowest…highest. The gradient passes where grid.low() ≤ x ≤ grid.high(), give or take 10⁻⁴ of
/// a step, and is 0 outside.
/// \param grids  one for all of x, or one for each index of its first axis
/// \throws Error for another number of grids, a scale that is not above 0 and finite, or lowest
///         above highest
Tensor fake_quantize(const Tensor& x, std::span<const QuantizationGrid> grids);

/// The smallest and the largest value of a tensor that has any; NaN is passed over. Not recorded.
struct ValueRange {
  float low, high;
};
ValueRange value_range(const Tensor& x);

/// min(max(x, low), high); the gradient passes where low ≤ x ≤ high, and is 0 outside.
Tensor clamp(const Tensor& x, float low, float high);

}  // namespace espalier
