// A layer of one's own is there, and is given a name in files.
#include <espalier/espalier.h>

#include <fstream>
#include <memory>

using namespace espalier;

class Scale : public nn::Module {
 public:
  explicit Scale(double factor) : Module("Scale"), factor_(static_cast<float>(factor)) {}

 private:
  Tensor forward(const Tensor& x) override { return multiply(x, Tensor::full(x.shape(), factor_)); }
  float factor_;
};

int main() {
  std::ofstream("net.yaml") << "input: [4]\nlayers: [Scale: {factor: 2}, Linear: {out: 3}]\n";
@BLOCK@
  return net(Tensor::full({1, 4}, 1)).size() == 3 ? 0 : 1;
}
