// Writes sample networks, inputs and our outputs for benchmarks/peers/onnxruntime/compare.js:
//   write_samples FOLDER COUNT
// leaves NAME.onnx, NAME.inputs (COUNT×H×W×C) and NAME.outputs (COUNT×K), float32.
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "espalier/compress/export/onnx.h"
#include "onnx/network_outputs.h"
#include "onnx/sample_networks.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

void write_floats(const std::string& path, const Tensor& x) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(x.data()), x.size() * 4);
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

void write(const std::string& stem, const file::Network& network, int64_t count, bool normalise) {
  std::vector<int64_t> extents = network.values[0].shape;
  extents.insert(extents.begin(), count);
  const Tensor x = normal(Shape(extents), 7);
  const file::Normalisation& how = network.normalisation;
  const Tensor normalised = Tensor::generate(x.shape(), [&](int64_t i) {
    return normalise ? (x[i] - how.mean[0]) / how.deviation[0] : x[i];
  });
  compress::export_onnx(network, stem + ".onnx", {.normalise = normalise});
  write_floats(stem + ".inputs", x);
  write_floats(stem + ".outputs", NetworkValues(network, normalised).output());
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 3) throw std::runtime_error("usage: write_samples FOLDER COUNT");
  const std::string folder = arguments[1];
  const int64_t pictures = std::atoll(arguments[2]);
  for (SampleNetwork& sample : sample_networks()) {
    write(folder + "/" + sample.name, sample.network, pictures, false);
    if (sample.name.ends_with("_codes")) {
      write(folder + "/" + sample.name + "_int8", with_codes(sample.network, 32), pictures, false);
    }
    if (sample.name == "lenet5") {
      sample.network.normalisation = {{0.25f}, {0.5f}};
      write(folder + "/lenet5_normalised", sample.network, pictures, true);
    }
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
