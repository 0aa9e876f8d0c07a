// Writes a run's network, test pictures and our outputs for
// benchmarks/peers/onnxruntime/compare.js:
//   write_run RUN STEM COUNT [DATA-FOLDER]
// leaves STEM.onnx, STEM.inputs (COUNT×H×W×C, normalised) and STEM.outputs (COUNT×K), float32.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "espalier/autograd/graph.h"
#include "espalier/compress/export/onnx.h"
#include "espalier/experiment/exported_network.h"
#include "espalier/nn/train/evaluation.h"

using namespace espalier;

namespace {

void write_floats(const std::string& path, const Tensor& x) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(x.data()), x.size() * 4);
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 4) throw std::runtime_error("usage: write_run RUN STEM COUNT [DATA-FOLDER]");
  const std::string stem = arguments[2];
  const int64_t pictures = std::atoll(arguments[3]);
  experiment::RecordedRun run = experiment::read_run(arguments[1]);
  if (count > 4) run.config.data.dir_here = arguments[4];
  compress::export_onnx(experiment::exported_network(run), stem + ".onnx");

  const datasets::DatasetPtr test = experiment::open_data(run.config).evaluation;
  const Shape& sample = test->sample_shape();
  std::vector<float> pixels(static_cast<size_t>(pictures * sample.elements()));
  for (int64_t i = 0; i < pictures; ++i) test->read(i, pixels.data() + i * sample.elements());
  const Tensor x = Tensor::generate({pictures, sample[0], sample[1], sample[2]},
                                    [&](int64_t i) { return pixels[static_cast<size_t>(i)]; });
  const nn::EvaluationMode evaluation(run.model);
  const NoGrad no_grad;
  write_floats(stem + ".inputs", x);
  write_floats(stem + ".outputs", run.model(x));
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
