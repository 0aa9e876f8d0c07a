// Loads a network from a file and asks it whether it is the one that was exported: consumer FILE
#include <espalier/compress/runtime/runtime.h>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  std::FILE* file = argc == 2 ? std::fopen(argv[1], "rb") : nullptr;
  if (!file) return 2;
  std::vector<char> bytes(1 << 20);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  espalier::runtime::Model model;
  auto status = espalier::runtime::load(bytes.data(), bytes.size(), {}, model);
  if (status.ok()) {
    std::vector<char> arena(model.self_test_bytes());
    status = model.self_test(arena.data(), arena.size());
  }
  std::printf("%s\n", status.ok() ? model.instructions() : status.message());
  return status.ok() ? 0 : 1;
}
