// From training to an application: prune and quantize, write one file, run it by the runtime.
#include <espalier/compress/export/export_model.h>
#include <espalier/compress/runtime/runtime.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "training.h"

int main(int count, char** arguments) {
  const Pictures data = pictures(count, arguments);
  nn::Sequential net = small_network();
  compress::AGPruner pruner({{{"final_sparsity", 0.9}, {"end_epoch", 3}}});
  compress::QATQuantizer quantizer;  // 8 bits for weights and activations: integers alone
  pruner(net);
  quantizer(net);
  train(net, data, 5, [&](int epoch) {
    pruner.update_epoch(epoch);
    quantizer.update_epoch(epoch);
  });
  const double trained = require_accuracy(net, data, "pruned and with 8 bits");

  const char* path = "small.esp";
  compress::export_model(net, path, {.sample = data.test->sample_shape()});

  // From here on it is what an application does. It links espalier::runtime and nothing else.
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  runtime::Model model;
  auto status = runtime::load(bytes.data(), bytes.size(), {}, model);
  check(status.ok(), status.message());
  std::printf("%d bytes in place of %d\n", static_cast<int>(bytes.size()),
              static_cast<int>(4 * net.parameter_count()));
  check(bytes.size() * 20 < 4 * size_t(net.parameter_count()), "the file is not 20 times smaller");

  std::vector<char> arena(model.arena_bytes(1));  // all the memory that running needs
  std::vector<float> pixels(size_t(model.input_size())), scores(size_t(model.output_size()));
  int right = 0;
  for (int64_t i = 0; i < data.test->size(); ++i) {
    data.test->read(i, pixels.data());
    status = model.run(pixels.data(), 1, scores.data(), arena.data(), arena.size());
    check(status.ok(), status.message());
    const auto best = std::max_element(scores.begin(), scores.end());
    right += best - scores.begin() == data.test->label(i);
  }
  const double ran = right / static_cast<double>(data.test->size());
  std::printf("by the runtime: %.1f %% of the test pictures\n", 100 * ran);
  check(std::abs(ran - trained) < 0.01, "the runtime answers otherwise than the network");
}
