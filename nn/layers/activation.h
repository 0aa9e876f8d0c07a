#pragma once

#include "espalier/nn/module.h"

namespace espalier::nn {

/// max(x, 0).
class ReLU : public Module {
 public:
  ReLU();

 private:
  Tensor forward(const Tensor& x) override;
};

/// min(max(x, 0), 6).
class ReLU6 : public Module {
 public:
  ReLU6();

 private:
  Tensor forward(const Tensor& x) override;
};

/// x where x > 0, else slope·x.
class LeakyReLU : public Module {
 public:
  struct Options {
    float slope = 0.01f;  ///< PyTorch's `negative_slope`
  };
  LeakyReLU();
  /// \throws Error unless the slope is finite
  explicit LeakyReLU(const Options& options);

  float slope() const { return options_.slope; }

 private:
  Tensor forward(const Tensor& x) override;
  Options options_;
};

/// 1/(1 + e⁻ˣ).
class Sigmoid : public Module {
 public:
  Sigmoid();

 private:
  Tensor forward(const Tensor& x) override;
};

/// The hyperbolic tangent.
class Tanh : public Module {
 public:
  Tanh();

 private:
  Tensor forward(const Tensor& x) override;
};

/// x·Φ(x), the exact form (Hendrycks & Gimpel, arXiv 1606.08415).
class GELU : public Module {
 public:
  GELU();

 private:
  Tensor forward(const Tensor& x) override;
};

/// x·min(max(x + 3, 0), 6)/6 (Howard et al., arXiv 1905.02244, section 5.2).
class Hardswish : public Module {
 public:
  Hardswish();

 private:
  Tensor forward(const Tensor& x) override;
};

}  // namespace espalier::nn
