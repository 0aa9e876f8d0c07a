// Ways round the seam. Each must not compile; the one marked LEGAL must, or the others would fail
// for a reason of no interest.
#include "espalier/autograd/ops.h"
#include "espalier/nn/module.h"

using namespace espalier;

class Layer : public nn::Module {
 public:
  Layer()
      : Module("Layer"),
        weight_(&add_parameter("weight", nn::Role::weight, {2, 2}, nn::kaiming_uniform(2))) {}

 private:
  Tensor forward(const Tensor& x) override {
#if defined(LEGAL)
    return linear(x, effective(*weight_), {});
#elif defined(PARAMETER_AS_TENSOR)
    return linear(x, *weight_, {});
#elif defined(LATENT_WITHOUT_KEY)
    return linear(x, weight_->latent(), {});
#elif defined(LATENT_WITH_EMPTY_BRACES)
    return linear(x, weight_->latent({}), {});
#elif defined(LATENT_WITH_OWN_KEY)
    return linear(x, weight_->latent(nn::LatentAccess()), {});
#elif defined(EFFECTIVE_WITHOUT_MODULE)
    return linear(x, weight_->effective({}), {});
#elif defined(WRITING_A_TENSOR)
    Tensor y = x;
    y.mutable_data({})[0] = 1;
    return y;
#elif defined(OVERRIDING_THE_CALL)
    return static_cast<nn::Module&>(*this).forward(x);
#endif
  }
  nn::Parameter* weight_;
};
