// A network is trained and described.
#include <espalier/compress/export/describe.h>
#include <espalier/espalier.h>

using namespace espalier;

int main() {
  auto net = nn::named_model("lenet5").make();
  const compress::file::Network network = compress::describe(net, {.sample = {28, 28, 1}});
  {
@BLOCK@
  }
}
