#include "espalier/compress/export/export_model.h"

#include <string_view>
#include <vector>

#include "espalier/autograd/core/platform.h"
#include "espalier/compress/export/round_biases.h"
#include "espalier/compress/file/loaded.h"
#include "espalier/compress/file/write.h"

namespace espalier::compress {
namespace {

constexpr uint32_t self_test_seed = 1;

/// What the runtime answers to the picture of the self-test.
file::SelfTest answered(const runtime::Model& model) {
  file::SelfTest test;
  test.seed = self_test_seed;
  const std::vector<uint8_t> pixels = file::self_test_pixels(test.seed, model.input_size());
  std::vector<char> arena(model.arena_bytes(1));
  const auto size = static_cast<size_t>(model.output_size());
  if (model.output_has_codes()) {
    test.codes.resize(size);
    file::require(model.run(pixels.data(), 1, test.codes.data(), arena.data(), arena.size()));
  } else {
    test.values.resize(size);
    file::require(model.run(pixels.data(), 1, test.values.data(), arena.data(), arena.size()));
  }
  return test;
}

}  // namespace

void export_model(nn::Module& model, const std::string& path, const DescribeOptions& options) {
  export_network(describe(model, options), path);
}

std::vector<uint8_t> exported_bytes(file::Network network) {
  round_biases(network);
  network.self_test.reset();
  network.self_test = answered(file::loaded(file::encode(network)));
  const std::vector<uint8_t> bytes = file::encode(network);
  const runtime::Model model = file::loaded(bytes);
  std::vector<char> arena(model.self_test_bytes());
  file::require(model.self_test(arena.data(), arena.size()));
  return bytes;
}

void export_network(const file::Network& network, const std::string& path) {
  const std::vector<uint8_t> bytes = exported_bytes(network);
  write_file_atomically(
      path, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace espalier::compress
