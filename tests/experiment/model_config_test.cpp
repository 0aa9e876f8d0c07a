#include "espalier/experiment/model_config.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "espalier/autograd/core/engine.h"
#include "espalier/nn/init.h"
#include "espalier/nn/models.h"
#include "experiment/model_files.h"
#include "support/values.h"

using namespace espalier;
using compress::parse_yaml;
using compress::Value;
using experiment::ModelConfig;
using experiment::read_model_file;
using test::error_of;
using test::model_of;

namespace {

namespace fs = std::filesystem;

const std::string lenet5_as_layers =
    "input: [28, 28, 1]\n"
    "layers:\n"
    "  - Conv2d: {out: 20, kernel: 5}\n"
    "  - ReLU\n"
    "  - MaxPool2d: {kernel: 2}\n"
    "  - Conv2d: {out: 50, kernel: 5}\n"
    "  - ReLU\n"
    "  - MaxPool2d: {kernel: 2}\n"
    "  - Flatten: {name: flatten}\n"
    "  - Linear: {out: 500}\n"
    "  - ReLU\n"
    "  - Linear: {out: 10}\n";

std::vector<std::string> paths(const nn::Module& net) {
  std::vector<std::string> all;
  net.for_each_module([&](const std::string& path, const nn::Module& module) {
    all.push_back(path + " " + module.type());
  });
  return all;
}

std::vector<std::string> parameters(const nn::Module& net) {
  std::vector<std::string> all;
  for (const nn::NamedParameter& each : net.parameters())
    all.push_back(each.path() + " " + each.parameter->shape().to_string());
  return all;
}

Tensor output(nn::Sequential net, const Shape& sample) {
  nn::initialise(net, 3);
  net.eval();
  std::vector<int64_t> batch{2};
  batch.insert(batch.end(), sample.begin(), sample.end());
  return net(test::normal(Shape(std::span<const int64_t>(batch)), 1));
}

/// Files in a folder of their own, gone with it.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("espalier_nets_" + std::to_string(getpid()))) {
    fs::create_directories(path_ / "nets");
  }
  ~Folder() { fs::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string file_error(const std::string& path) {
  try {
    read_model_file(path);
  } catch (const compress::ConfigError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a model by its name", "[model]") {
  const ModelConfig model = model_of("lenet5");
  CHECK(model.name == "lenet5");
  CHECK(model.sample == Shape{28, 28, 1});
  CHECK(model.classes == 10);
  CHECK(model.position.text() == "net.yaml:1:1");
  CHECK(model.to_value() == Value("lenet5"));
  CHECK(parameters(model.make()) == parameters(nn::named_model("lenet5").make()));
  const std::string error = error_of("lenet55");
  CHECK(error.rfind("net.yaml:1:1: model must be one of lenet300, lenet5, ", 0) == 0);
  CHECK(error.find(" or a map with input and layers, not 'lenet55'; did you mean 'lenet5'?") !=
        std::string::npos);
  CHECK(error_of("3") ==
        "net.yaml:1:1: model must be a name or a map with input and layers, not 3");
  CHECK(error_of("[lenet5]") ==
        "net.yaml:1:1: model must be a name or a map with input and layers, not a list");
}

TEST_CASE("LeNet-5 as layers is LeNet-5", "[model]") {
  const ModelConfig model = model_of(lenet5_as_layers);
  CHECK(model.name == "network");
  CHECK(model.sample == Shape{28, 28, 1});
  CHECK(model.classes == 10);
  const nn::NamedModel& known = nn::named_model("lenet5");
  CHECK(paths(model.make()) == paths(known.make()));
  CHECK(parameters(model.make()) == parameters(known.make()));
  CHECK(test::doubles(output(model.make(), model.sample)) ==
        test::doubles(output(known.make(), known.sample)));
}

TEST_CASE("a model as it is written back makes the same network", "[model]") {
  const ModelConfig model = model_of("name: small\ndescription: for tests\n" + lenet5_as_layers);
  const ModelConfig again = model_of(compress::to_yaml(model.to_value()));
  CHECK(again.name == "small");
  CHECK(again.description == "for tests");
  CHECK(again.to_value() == model.to_value());
  CHECK(paths(again.make()) == paths(model.make()));
  CHECK(parameters(again.make()) == parameters(model.make()));
  // Options are spelled out, so that a later default does not change an old run.
  const Value written = model.to_value();
  const Value& conv = written.find("layers")->as_list()[0];
  CHECK(conv == Value::map({{"Conv2d", Value::map({{"name", "conv1"},
                                                   {"in", 1},
                                                   {"groups", 1},
                                                   {"out", 20},
                                                   {"kernel", 5},
                                                   {"stride", 1},
                                                   {"padding", 0},
                                                   {"dilation", 1},
                                                   {"bias", true}})}}));
}

TEST_CASE("reading a model makes nothing", "[model]") {
  // A hundred gigabytes of weights, in layers that may just be.
  const std::string wide = "  - Linear: {out: 80000}\n";
  std::string text = "input: 80000\nlayers:\n";
  for (int i = 0; i < 5; ++i) text += wide;
  Engine engine({.threads = 1});
  EngineScope scope(engine);
  CHECK(model_of(text).classes == 80000);
  // Start values of what is made later are the same as without.
  const RandomStream next = engine.next_start_values(),
                     first = Engine({.threads = 1}).next_start_values();
  CHECK(next.uniform(0) == first.uniform(0));
}

TEST_CASE("files of networks", "[model]") {
  const Folder folder;
  const std::string bare =
      folder.write("nets/tiny.yaml", "input: 4\nlayers:\n  - Linear: {out: 3}\n");
  const std::string named = folder.write(
      "named.yaml", "epochs: 3\nmodel:\n  name: mine\n  input: 4\n  layers: [Linear: {out: 2}]\n");
  const std::string by_name = folder.write("by_name.yaml", "model: lenet300\n");
  const std::string pointing = folder.write("train.yaml", "model: {file: nets/tiny.yaml}\n");

  CHECK(read_model_file(bare).name == "tiny");
  CHECK(read_model_file(bare).classes == 3);
  CHECK(read_model_file(named).name == "mine");
  CHECK(read_model_file(named).classes == 2);
  CHECK(read_model_file(by_name).name == "lenet300");
  const ModelConfig followed = read_model_file(pointing);
  CHECK(followed.name == "tiny");
  CHECK(followed.position.text() == pointing + ":1:8");
  // Written back, the layers stand where the file was named.
  CHECK(followed.to_value().find("file") == nullptr);
  CHECK(ModelConfig::from(followed.to_value()).classes == 3);

  const std::string missing = folder.write("missing.yaml", "model: {file: other.yaml}\n");
  CHECK(file_error(missing) ==
        "[config] " + missing + ":1:15: there is no file '" + folder.path("other.yaml") + "'");
  const std::string loop = folder.write("loop.yaml", "model: {file: loop.yaml}\n");
  CHECK(file_error(loop) ==
        "[config] " + loop + ":1:15: each of these files names another for its network");
  const std::string none = folder.write("none.yaml", "epochs: 3\n");
  CHECK(file_error(none) == "[config] " + none +
                                ":1:1: there is no network here: a file of one has the keys input "
                                "and layers, a training configuration the key model");
  const std::string both = folder.write("both.yaml", "model: {file: a.yaml, input: 3}\n");
  CHECK(file_error(both).find(both + ":1:23: unknown key 'input' in the model") !=
        std::string::npos);
  const std::string inside =
      folder.write("nets/bad.yaml", "input: 4\nlayers: [Lineer: {out: 3}]\n");
  const std::string outside = folder.write("outside.yaml", "model: {file: nets/bad.yaml}\n");
  CHECK(file_error(outside).find(inside + ":2:10: there is no layer type 'Lineer'; did you mean "
                                          "'Linear'?") != std::string::npos);
  CHECK(file_error(folder.path("gone.yaml")).find("cannot read") != std::string::npos);
}

TEST_CASE("what is wrong with a model is said with its place", "[model]") {
  CHECK(error_of("layers: [ReLU]") == "net.yaml:1:1: missing key 'input' in the model");
  CHECK(error_of("input: 3") == "net.yaml:1:1: missing key 'layers' in the model");
  CHECK(error_of("input: 3\nlayer: [ReLU]") ==
        "net.yaml:2:1: missing key 'layers' in the model; is 'layer' meant to be it?");
  CHECK(error_of("input: 3\nlayers: [ReLU]\ninputs: 3") ==
        "net.yaml:3:1: unknown key 'inputs' in the model; did you mean 'input'? Known keys: name, "
        "description, input, layers");
  CHECK(error_of("input: [28, 28]\nlayers: [ReLU]") ==
        "net.yaml:1:8: input must be [height, width, channels] of a picture or one number of "
        "values, not 2 numbers (in the model)");
  CHECK(error_of("input: [28, 0, 1]\nlayers: [ReLU]") ==
        "net.yaml:1:13: input[1] must be an integer in [1, 1000000], not 0 (in the model)");
  CHECK(error_of("input: 3\nlayers: []") == "net.yaml:2:9: layers must hold at least one layer");
  CHECK(error_of("input: 3\nlayers: {ReLU: }") ==
        "net.yaml:2:9: layers must be a list of layers, a line '- Type: {…}' for each, not a map");
  CHECK(
      error_of("input: 3\nlayers:") ==
      "net.yaml:2:1: layers must be a list of layers, a line '- Type: {…}' for each, not nothing");
  CHECK(error_of(
            "input: [8, 8, 3]\nlayers:\n  - ReLU\n  - Conv2d: {name: last, out: 4, kernel: 3}") ==
        "net.yaml:4:5: the last layer, 'last', makes a picture of 6×6×4, but a network ends in a "
        "row of one value for each class; put Flatten or GlobalAvgPool2d behind it");
}
