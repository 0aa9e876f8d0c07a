// Stands in for the other files of this folder in a build without oneDNN: nothing is available, so
// the selector never picks what follows.
#include "espalier/autograd/backend/onednn/conv2d.h"
#include "espalier/autograd/backend/onednn/matmul.h"

namespace espalier::backend::onednn {
namespace {
[[noreturn]] void refuse() {
  throw Error("onednn", "this build of Espalier has no oneDNN");
}
}  // namespace

const bool available = false;

void matmul(const Matmul&, const float*, const float*, float*) {
  refuse();
}
void conv2d_forward(const Conv2d&, const float*, const float*, const float*, float*) {
  refuse();
}
void conv2d_input_gradient(const Conv2d&, const float*, const float*, float*) {
  refuse();
}
void conv2d_weight_gradient(const Conv2d&, const float*, const float*, float*) {
  refuse();
}

}  // namespace espalier::backend::onednn
