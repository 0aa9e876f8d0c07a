// The bytes of a file and a picture are there; the network is run.
#include <espalier/compress/runtime/runtime.h>

#include <cstdint>
#include <cstdio>
#include <vector>

int complain(const char* message) {
  std::fprintf(stderr, "%s\n", message);
  return 1;
}

int classify(const void* data, size_t size, const uint8_t* pixels) {
@BLOCK@
  return status.ok() ? 0 : complain(status.message());
}

int main() { return classify(nullptr, 0, nullptr) == 1 ? 0 : 1; }
