// A layer owns numbers that are trained, its parameters, and computes with their effective value.
#include "check.h"

/// y = w·x + b, the smallest layer there is; nn::Linear is the same for many inputs and outputs.
class Line : public nn::Module {
 public:
  Line() : Module("Line") {
    weight_ = &add_parameter("weight", nn::Role::weight, {1, 1}, nn::constant(0));
    bias_ = &add_parameter("bias", nn::Role::bias, {1}, nn::constant(0));
  }

 private:
  // Masks and quantizers stand between what a parameter stores and what `effective` gives: so a
  // layer that is written here can be pruned and quantized without knowing of it.
  Tensor forward(const Tensor& x) override {
    return linear(x, effective(*weight_), effective(*bias_));
  }
  nn::Parameter* weight_;
  nn::Parameter* bias_;
};

int main() {
  // Five points on the line y = 2·x + 1.
  const Tensor x = Tensor::from({5, 1}, {-2, -1, 0, 1, 2});
  const Tensor y = Tensor::from({5, 1}, {-3, -1, 1, 3, 5});

  Line line;
  nn::SGD optimizer(line, {.lr = 0.1});  // w −= lr · gradient, for every parameter of the model
  for (int step = 0; step <= 40; ++step) {
    optimizer.zero_grad();
    const Tensor loss = nn::mse_loss(line(x), y);
    loss.backward();
    optimizer.step();
    if (step % 10 == 0) std::printf("step %d: loss %.6f\n", step, double{loss.item()});
  }
  for (const nn::NamedParameter& named : line.parameters())
    show(named.path().c_str(), named.parameter->effective_value());
  check(std::abs(line.parameters()[0].parameter->effective_value()[0] - 2) < 1e-3f,
        "the slope that was learned is not 2");
  check(std::abs(line.parameters()[1].parameter->effective_value()[0] - 1) < 1e-3f,
        "the intercept that was learned is not 1");
}
