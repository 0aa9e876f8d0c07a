// Training steps of libtorch's C++ interface on a network file of Espalier, measured as `espalier
// bench train` measures its own: zero gradients, forward, cross entropy, its value read, backward,
// SGD with momentum 0.9 and weight decay 5e-4, going round eight batches of normal random numbers
// in memory.
//
//   libtorch_train_bench NET.yaml BATCH THREADS SECONDS
#include <sys/resource.h>
#include <torch/torch.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace nn = torch::nn;
using torch::Tensor;

namespace {

/// A layer that is there to be called, with its parameters registered in some module.
using Layer = std::function<Tensor(const Tensor&)>;

/// Makes layers for the shapes that come in, which a small batch passed through them tells.
class Maker {
 public:
  explicit Maker(nn::Module& owner) : owner_(owner) {}

  Layer layers(const YAML::Node& list, Tensor& sample) {
    std::vector<Layer> all;
    for (const YAML::Node& entry : list) all.push_back(layer(entry, sample));
    return [all](const Tensor& x) {
      Tensor y = x;
      for (const Layer& each : all) y = each(y);
      return y;
    };
  }

 private:
  template <class T>
  static T option(const YAML::Node& options, const char* key, T fallback) {
    return options.IsMap() && options[key] ? options[key].as<T>() : fallback;
  }

  template <class Holder>
  Layer owned(Holder made) {
    owner_.register_module("m" + std::to_string(count_++), made);
    return [made](const Tensor& x) mutable { return made->forward(x); };
  }

  Layer layer(const YAML::Node& entry, Tensor& sample) {
    const bool named = entry.IsMap();
    const std::string type = (named ? entry.begin()->first : entry).as<std::string>();
    Layer made = of_type(type, named ? entry.begin()->second : YAML::Node(), sample);
    return made;
  }

  Layer of_type(const std::string& type, const YAML::Node& options, Tensor& sample) {
    if (type == "Sequential")
      return layers(options.IsSequence() ? options : options["layers"], sample);
    if (type == "Residual") return residual(options, sample);
    if (type == "Concat")
      return concat(options.IsSequence() ? options : options["branches"], sample);
    Layer made = simple(type, options, sample);
    sample = made(sample);
    return made;
  }

  Layer simple(const std::string& type, const YAML::Node& o, const Tensor& sample) {
    if (type == "Conv2d") {
      const int64_t in = sample.size(1);
      int64_t groups = 1;
      if (o["groups"])
        groups = o["groups"].as<std::string>() == "depthwise" ? in : o["groups"].as<int64_t>();
      return owned(
          nn::Conv2d(nn::Conv2dOptions(in, option<int64_t>(o, "out", in), o["kernel"].as<int64_t>())
                         .stride(option<int64_t>(o, "stride", 1))
                         .padding(option<int64_t>(o, "padding", 0))
                         .dilation(option<int64_t>(o, "dilation", 1))
                         .groups(groups)
                         .bias(option(o, "bias", true))));
    }
    if (type == "Linear") {
      const Layer product =
          owned(nn::Linear(nn::LinearOptions(sample.flatten(1).size(1), o["out"].as<int64_t>())
                               .bias(option(o, "bias", true))));
      return [product](const Tensor& x) { return product(x.flatten(1)); };
    }
    if (type == "BatchNorm2d") return owned(nn::BatchNorm2d(sample.size(1)));
    if (type == "Dropout") return owned(nn::Dropout(option(o, "p", 0.5)));
    if (type == "ReLU") return [](const Tensor& x) { return torch::relu(x); };
    if (type == "ReLU6") return [](const Tensor& x) { return torch::relu6(x); };
    if (type == "Flatten") return [](const Tensor& x) { return x.flatten(1); };
    if (type == "GlobalAvgPool2d")
      return [](const Tensor& x) { return torch::adaptive_avg_pool2d(x, {1, 1}).flatten(1); };
    if (type == "MaxPool2d" || type == "AvgPool2d") {
      const int64_t kernel = o["kernel"].as<int64_t>(), stride = option(o, "stride", kernel),
                    padding = option<int64_t>(o, "padding", 0);
      if (type == "MaxPool2d")
        return [=](const Tensor& x) { return torch::max_pool2d(x, kernel, stride, padding); };
      return [=](const Tensor& x) { return torch::avg_pool2d(x, kernel, stride, padding); };
    }
    throw std::runtime_error("this program does not know the layer " + type);
  }

  Layer residual(const YAML::Node& options, Tensor& sample) {
    Tensor through = sample, around = sample;
    const Layer body = layers(options.IsSequence() ? options : options["body"], through);
    const bool has_shortcut = options.IsMap() && options["shortcut"];
    const Layer shortcut =
        has_shortcut ? layers(options["shortcut"], around) : [](const Tensor& x) { return x; };
    sample = through;
    return [body, shortcut](const Tensor& x) { return body(x) + shortcut(x); };
  }

  Layer concat(const YAML::Node& branches, Tensor& sample) {
    std::vector<Layer> all;
    std::vector<Tensor> results;
    for (const YAML::Node& branch : branches) {
      Tensor through = sample;
      all.push_back(layers(branch, through));
      results.push_back(through);
    }
    sample = torch::cat(results, 1);
    return [all](const Tensor& x) {
      std::vector<Tensor> parts;
      for (const Layer& each : all) parts.push_back(each(x));
      return torch::cat(parts, 1);
    };
  }

  nn::Module& owner_;
  int count_ = 0;
};

std::vector<int64_t> input_shape(const YAML::Node& input, int64_t batch) {
  if (input.IsScalar()) return {batch, input.as<int64_t>()};
  return {batch, input[2].as<int64_t>(), input[0].as<int64_t>(), input[1].as<int64_t>()};
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void run(const std::string& file, int64_t batch, int threads, double seconds) {
  torch::set_num_threads(threads);
  torch::manual_seed(1);
  const YAML::Node net = YAML::LoadFile(file);
  nn::Module parameters("net");
  Tensor sample = torch::randn(input_shape(net["input"], 2));
  const Layer model = Maker(parameters).layers(net["layers"], sample);
  const int64_t classes = sample.size(1);

  torch::optim::SGD sgd(parameters.parameters(),
                        torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(5e-4));
  std::vector<Tensor> images, labels;
  for (int i = 0; i < 8; ++i) {
    images.push_back(torch::randn(input_shape(net["input"], batch)));
    labels.push_back(torch::randint(0, classes, {batch}, torch::kLong));
  }
  int64_t number = 0;
  const auto step = [&] {
    const size_t at = static_cast<size_t>(number++ % 8);
    sgd.zero_grad();
    Tensor loss = torch::cross_entropy_loss(model(images[at]), labels[at]);
    loss.item<float>();
    loss.backward();
    sgd.step();
  };
  for (int i = 0; i < 5; ++i) step();

  // The median of windows of half a second, as Espalier takes it.
  std::vector<double> windows;
  const double start = now();
  while (now() - start < seconds) {
    const double begin = now(), length = std::min(0.5, seconds - (begin - start));
    int64_t done = 0;
    double passed = 0;
    for (; passed < length; passed = now() - begin, done += batch) step();
    windows.push_back(static_cast<double>(done) / passed);
  }
  std::sort(windows.begin(), windows.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("peak_mib=%ld\nimages_per_second=%.0f\n", usage.ru_maxrss / 1024,
              windows[windows.size() / 2]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: libtorch_train_bench NET.yaml BATCH THREADS SECONDS\n");
    return 2;
  }
  try {
    run(argv[1], std::stoll(argv[2]), std::stoi(argv[3]), std::stod(argv[4]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "libtorch_train_bench: %s\n", error.what());
    return 1;
  }
}
