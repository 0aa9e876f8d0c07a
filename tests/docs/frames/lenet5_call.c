/* A picture is there; the generated file answers. */
#include "lenet5.h"

static const unsigned char pixels[LENET5_INPUT_BYTES] = {0};

int main(void) {
@BLOCK@
  return scores[0] == 0;
}
