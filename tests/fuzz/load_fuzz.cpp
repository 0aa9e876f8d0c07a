// Loads whatever it is given, with the checksum put right, and runs what is a network of moderate
// size, with the kernels that its checksum chooses. For libFuzzer (scripts/fuzz-runtime), and for
// replaying its corpus.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "espalier/compress/runtime/format/checksum.h"
#include "espalier/compress/runtime/runtime.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using espalier::runtime::Model;
  std::vector<uint8_t> bytes(data, data + size);
  uint32_t crc = 0;
  if (size >= 9) {
    crc = espalier::runtime::crc32(bytes.data() + 9, size - 9);
    for (size_t i = 0; i < 4; ++i) bytes[5 + i] = static_cast<uint8_t>(crc >> (8 * i));
  }
  espalier::runtime::Options options;
  options.max_bytes = 2 << 20;
  options.max_arena_bytes = 1 << 20;
  if (crc % 2 != 0) options.instructions = espalier::runtime::Instructions::portable;
  Model model;
  if (!espalier::runtime::load(bytes.data(), size, options, model).ok()) return 0;
  if (model.arena_bytes(1) > options.max_arena_bytes) std::abort();
  if (model.input_size() > 4096 || model.output_size() > 4096) return 0;
  std::vector<char> arena(model.arena_bytes(2));
  std::vector<uint8_t> pixels(static_cast<size_t>(2 * model.input_size()), 100);
  std::vector<float> scores(static_cast<size_t>(2 * model.output_size()));
  if (!model.run(pixels.data(), 2, scores.data(), arena.data(), arena.size()).ok()) std::abort();
  return 0;
}
