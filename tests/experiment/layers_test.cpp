#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "espalier/experiment/layers/layer_reader.h"
#include "espalier/nn/layers/linear.h"
#include "experiment/model_files.h"

using namespace espalier;
using test::error_of;
using test::model_of;

namespace {

/// The error of a network of 8×8 pictures with 3 channels, whose layers start in line 3.
std::string picture_error(const std::string& layers) {
  return error_of("input: [8, 8, 3]\nlayers:\n" + layers);
}

std::vector<std::string> names(const std::string& yaml) {
  std::vector<std::string> all;
  model_of(yaml).make().for_each_module([&](const std::string& path, const nn::Module&) {
    if (!path.empty()) all.push_back(path);
  });
  return all;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("layers without a name are numbered by their kind", "[model]") {
  CHECK(names("input: [8, 8, 3]\nlayers: [Conv2d: {out: 4, kernel: 3}, ReLU, Conv2d: {out: 4, "
              "kernel: 3}, ReLU, Flatten, Linear: {out: 2}]") ==
        Names{"conv1", "relu1", "conv2", "relu2", "flatten1", "fc1"});
  // A given name stays, and counts; the number that it takes away is left out.
  CHECK(names("input: 3\nlayers: [ReLU: {name: first}, ReLU, ReLU: {name: relu3}, ReLU, ReLU]") ==
        Names{"first", "relu2", "relu3", "relu4", "relu5"});
  CHECK(names("input: 3\nlayers: [ReLU, ReLU: {name: relu1}, ReLU]") ==
        Names{"relu2", "relu1", "relu3"});
  // Each list counts for itself.
  CHECK(names("input: 3\nlayers: [Sequential: [ReLU, Linear: {out: 2}], Sequential: {name: head, "
              "layers: [ReLU]}, Sequential: [ReLU]]") == Names{"block1", "block1.relu1",
                                                               "block1.fc1", "head", "head.relu1",
                                                               "block3", "block3.relu1"});
}

TEST_CASE("names of layers that cannot be", "[model]") {
  CHECK(error_of("input: 3\nlayers:\n  - ReLU: {name: a}\n  - ReLU\n  - Flatten: {name: a}") ==
        "net.yaml:5:21: the name 'a' is given to two layers, first in line 3");
  CHECK(error_of("input: 3\nlayers:\n  - ReLU: {name: a.b}") ==
        "net.yaml:3:18: the name of a layer must be text of letters, digits, '_' and '-', not "
        "'a.b'");
  CHECK(error_of("input: 3\nlayers:\n  - ReLU: {name: 3}") ==
        "net.yaml:3:18: the name of a layer must be text of letters, digits, '_' and '-', not 3");
}

TEST_CASE("a layer that is none", "[model]") {
  const std::string wrong = picture_error("  - Conv2D: {out: 4}");
  CHECK(
      wrong.rfind("net.yaml:3:5: there is no layer type 'Conv2D'; did you mean 'Conv2d'? There are "
                  "Conv2d, ",
                  0) == 0);
  CHECK(picture_error("  - Transformer")
            .rfind("net.yaml:3:5: there is no layer type 'Transformer'; there are Conv2d, ", 0) ==
        0);
  CHECK(picture_error("  - Conv2d: {out: 4, kernal: 3}") ==
        "net.yaml:3:22: missing key 'kernel' in Conv2d 'conv1'; is 'kernal' meant to be it?");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 3, strides: 3}") ==
        "net.yaml:3:33: unknown key 'strides' in Conv2d 'conv1'; did you mean 'stride'? Known "
        "keys: name, in, groups, out, kernel, stride, padding, dilation, bias");
  CHECK(picture_error("  - ReLU: {slope: 1}") ==
        "net.yaml:3:12: unknown key 'slope' in ReLU 'relu1'. Known keys: name");
  CHECK(picture_error("  - Conv2d: 3") ==
        "net.yaml:3:13: Conv2d 'conv1' must be a map of 'key: value', not 3");
  CHECK(picture_error("  - Conv2d: [3]") ==
        "net.yaml:3:13: Conv2d 'conv1' must be a map of 'key: value', not a list");
  CHECK(picture_error("  - Conv2d:\n    out: 3") ==
        "net.yaml:4:5: a layer must be one name with its options below it, but after 'Conv2d' "
        "comes the key 'out'");
  CHECK(picture_error("  - 3") ==
        "net.yaml:3:5: a layer must be a name or 'name: {options}', not 3");
  CHECK(picture_error("  - [ReLU]") ==
        "net.yaml:3:5: a layer must be a name or 'name: {options}', not a list");
  CHECK(picture_error("  - Conv2d") == "net.yaml:3:5: missing key 'out' in Conv2d 'conv1'");
}

TEST_CASE("options of layers that cannot be", "[model]") {
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 0}") ==
        "net.yaml:3:30: kernel must be an integer in [1, 1000000], not 0 (in Conv2d 'conv1')");
  CHECK(picture_error("  - Conv2d: {out: four, kernel: 3}") ==
        "net.yaml:3:19: out must be an integer in [1, 1000000], not 'four' (in Conv2d 'conv1')");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 3, bias: 0}") ==
        "net.yaml:3:39: bias must be true or false, not 0 (in Conv2d 'conv1')");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 3, padding: -1}") ==
        "net.yaml:3:42: padding must be an integer in [0, 1000000], not -1 (in Conv2d 'conv1')");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 9}") ==
        "net.yaml:3:30: kernel must fit the picture of 8×8 that comes in; 9 with padding 0 does "
        "not (in Conv2d 'conv1')");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 5, dilation: 3, padding: 2}") ==
        "net.yaml:3:30: kernel must fit the picture of 8×8 that comes in; 5 with padding 2 and "
        "dilation 3 does not (in Conv2d 'conv1')");
  CHECK(picture_error("  - MaxPool2d: {kernel: 4}\n  - MaxPool2d: {kernel: 3}") ==
        "net.yaml:4:25: kernel must fit the picture of 2×2 that comes in; 3 with padding 0 does "
        "not (in MaxPool2d 'pool2')");
  CHECK(picture_error("  - MaxPool2d: {kernel: 3, padding: 2}") ==
        "net.yaml:3:37: padding must be at most half of kernel = 3, not 2 (in MaxPool2d 'pool1')");
  CHECK(picture_error("  - Conv2d: {in: 4, out: 4, kernel: 3}") ==
        "net.yaml:3:18: in must be 3, which is what comes in (8×8×3), not 4; it may be left out "
        "(in Conv2d 'conv1')");
  CHECK(picture_error("  - Flatten\n  - Linear: {in: 100, out: 4}") ==
        "net.yaml:4:18: in must be 192, which is what comes in (192), not 100; it may be left out "
        "(in Linear 'fc1')");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 1, groups: 2}") ==
        "net.yaml:3:41: groups must divide in = 3 and out = 4, which 2 does not (in Conv2d "
        "'conv1')");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 1, groups: depthwise}") ==
        "net.yaml:3:41: groups must divide in = 3 and out = 4, which 3 does not (in Conv2d "
        "'conv1')");
  CHECK(picture_error("  - Conv2d: {out: 4, kernel: 1, groups: depth}") ==
        "net.yaml:3:41: groups must be an integer of at least 1 or 'depthwise', not 'depth' (in "
        "Conv2d 'conv1')");
  CHECK(picture_error("  - ReLU\n  - Linear: {out: 4}") ==
        "net.yaml:4:5: Linear 'fc1' takes a row of values, but what comes in is a picture of "
        "8×8×3; put Flatten or GlobalAvgPool2d before it");
  CHECK(picture_error("  - Flatten\n  - Conv2d: {out: 4, kernel: 1}") ==
        "net.yaml:4:5: Conv2d 'conv1' takes pictures of H×W×C, but what comes in is 192 values "
        "without a place");
}

TEST_CASE("networks that no memory holds", "[model]") {
  CHECK(error_of("input: 1000000\nlayers:\n  - Linear: {out: 1000000}") ==
        "net.yaml:3:5: Linear 'fc1' has 1e+12 weights, more than memory holds");
  CHECK(picture_error("  - Conv2d: {out: 1000000, kernel: 100000, padding: 100000}") ==
        "net.yaml:3:5: Conv2d 'conv1' has 3e+16 weights, more than memory holds");
  CHECK(picture_error("  - Conv2d: {out: 1000000, kernel: 1, padding: 100000}") ==
        "net.yaml:3:5: Conv2d 'conv1' makes 200008×200008×1000000 of one sample, more than memory "
        "holds");
}

TEST_CASE("layers inside layers", "[model]") {
  const auto nested = [](int depth) {
    std::string text = "input: [8, 8, 3]\nlayers: ";
    for (int i = 0; i < depth; ++i) text += "[Sequential: ";
    text += "[Flatten, ReLU]";
    return text + std::string(static_cast<size_t>(depth), ']');
  };
  CHECK(names(nested(2)) ==
        Names{"block1", "block1.block1", "block1.block1.flatten1", "block1.block1.relu1"});
  CHECK(names(nested(32)).size() == 34);
  CHECK(error_of(nested(33)) == "net.yaml:2:438: layers stand inside each other more than 32 deep");
  CHECK(picture_error("  - Sequential:\n      - ReLU\n      - Sequential: {name: tail, layers: "
                      "[Conv2d: {out: 4, kernel: 9}]}") ==
        "net.yaml:5:68: kernel must fit the picture of 8×8 that comes in; 9 with padding 0 does "
        "not (in Conv2d 'block1.tail.conv1')");
  CHECK(picture_error("  - Sequential: []") ==
        "net.yaml:3:17: layers must hold at least one layer (in 'block1')");
  CHECK(picture_error("  - Sequential: {layers: ReLU}") ==
        "net.yaml:3:26: layers must be a list of layers, a line '- Type: {…}' for each, not 'ReLU' "
        "(in 'block1')");
  CHECK(picture_error("  - Sequential") ==
        "net.yaml:3:5: missing key 'layers' in Sequential 'block1'");
}

TEST_CASE("branches that do not fit together", "[model]") {
  CHECK(
      picture_error("  - Residual:\n      - Conv2d: {out: 4, kernel: 3, padding: 1}") ==
      "net.yaml:3:5: Residual 'block1' adds what the body makes, 8×8×4, to the input, 8×8×3; give "
      "it a shortcut that makes the same shape, such as a Conv2d of kernel 1");
  CHECK(picture_error("  - Residual:\n      body: [Conv2d: {out: 4, kernel: 3}]\n"
                      "      shortcut: [Conv2d: {out: 4, kernel: 1}]") ==
        "net.yaml:3:5: Residual 'block1' adds what the body makes, 6×6×4, to what the shortcut "
        "makes, 8×8×4; the two must agree");
  CHECK(picture_error("  - Residual: []") ==
        "net.yaml:3:15: body must hold at least one layer (in 'block1')");
  CHECK(picture_error("  - Residual: {shortcut: [ReLU]}") ==
        "net.yaml:3:15: missing key 'body' in Residual 'block1'");
  CHECK(picture_error("  - Residual: {body: [ReLU], shortcut: ReLU}") ==
        "net.yaml:3:40: shortcut must be a list of layers, a line '- Type: {…}' for each, not "
        "'ReLU' (in 'block1.shortcut')");
  CHECK(picture_error("  - Residual: [ReLU: {name: shortcut}]") ==
        "net.yaml:3:5: Residual 'block1' has a layer named 'shortcut' in its body, which is what "
        "the shortcut is called");
  CHECK(picture_error("  - Concat: [[ReLU], [MaxPool2d: {kernel: 2}]]") ==
        "net.yaml:3:5: Concat 'concat1' joins channels, but its branches make 8×8×3 and 4×4×3; "
        "they may differ in the last number only");
  CHECK(picture_error("  - Concat: [[ReLU], [Flatten]]") ==
        "net.yaml:3:5: Concat 'concat1' joins channels, but its branches make 8×8×3 and 192; they "
        "may differ in the last number only");
  CHECK(picture_error("  - Concat: [ReLU, Flatten]") ==
        "net.yaml:3:14: branches[0] must be a list of layers, a line '- Type: {…}' for each, not "
        "'ReLU' (in 'concat1.branch1')");
  CHECK(picture_error("  - Concat: []") ==
        "net.yaml:3:13: branches must be a list of lists of layers, not an empty list (in Concat "
        "'concat1')");
  CHECK(picture_error("  - Concat: {branches: 2}") ==
        "net.yaml:3:24: branches must be a list of lists of layers, not 2 (in Concat 'concat1')");
  CHECK(picture_error("  - Concat: [[ReLU], [Linear: {out: 3}]]") ==
        "net.yaml:3:23: Linear 'concat1.branch2.fc1' takes a row of values, but what comes in is a "
        "picture of 8×8×3; put Flatten or GlobalAvgPool2d before it");
}

TEST_CASE("names of layers in branches", "[model]") {
  CHECK(names("input: 3\nlayers: [Residual: {body: [Linear: {out: 3}], shortcut: [Linear: {out: "
              "3}]}, Residual: [ReLU], Concat: [[ReLU], []]]") ==
        Names{"block1", "block1.shortcut", "block1.shortcut.fc1", "block1.fc1", "block2",
              "block2.shortcut", "block2.relu1", "concat1", "concat1.branch1",
              "concat1.branch1.relu1", "concat1.branch2"});
}

TEST_CASE("a program may add types of layers", "[model]") {
  experiment::LayerKinds kinds = experiment::LayerKinds::with_builtin();
  const size_t before = kinds.entries().size();
  kinds.add({"Wide", "times, in: Linear of so many times the inputs", "wide",
             [](experiment::LayerReader& reader) -> experiment::LayerPlan {
               const int64_t in = reader.in(reader.row());
               const int64_t out = in * reader.size("times", 2);
               return {
                   {out}, [in, out] {
                     return std::make_unique<nn::Linear>(nn::Linear::Options{.in = in, .out = out});
                   }};
             }});
  CHECK(kinds.entries().size() == before + 1);
  const auto model = experiment::ModelConfig::from(
      compress::parse_yaml("input: 3\nlayers: [Wide, Wide: {times: 4}]", "net.yaml"), kinds);
  CHECK(model.classes == 24);
  CHECK(model.make().parameter_count() == 6 * 4 + 24 * 7);
  CHECK_THROWS_WITH(kinds.add({"ReLU", "", "relu", nullptr}),
                    Catch::Equals("[layers] there is a layer type named 'ReLU' already"));
}
