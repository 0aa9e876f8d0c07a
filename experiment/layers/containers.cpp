#include <algorithm>

#include "espalier/experiment/layers/builtin.h"
#include "espalier/experiment/layers/layer_reader.h"
#include "espalier/nn/layers/concat.h"
#include "espalier/nn/layers/residual.h"

namespace espalier::experiment {
namespace {

LayerPlan read_sequential(LayerReader& reader) {
  const LayerChain chain = reader.layers("layers");
  return {chain.output, [chain] { return std::make_unique<nn::Sequential>(chain.make()); }};
}

LayerPlan read_residual(LayerReader& reader) {
  const LayerChain body = reader.layers("body");
  const LayerChain shortcut = reader.optional_layers("shortcut", "shortcut");
  if (std::any_of(body.layers.begin(), body.layers.end(),
                  [](const LayerPlan& layer) { return layer.name == "shortcut"; })) {
    reader.fail("has a layer named 'shortcut' in its body, which is what the shortcut is called");
  }
  if (body.output != shortcut.output) {
    const std::string makes = "adds what the body makes, " + body.output.to_string() + ", to ";
    reader.fail(shortcut.layers.empty()
                    ? makes + "the input, " + shortcut.output.to_string() +
                          "; give it a shortcut that makes the same shape, such as a Conv2d of "
                          "kernel 1"
                    : makes + "what the shortcut makes, " + shortcut.output.to_string() +
                          "; the two must agree");
  }
  return {body.output, [body, shortcut] {
            return std::make_unique<nn::Residual>(body.make(), shortcut.make());
          }};
}

LayerPlan read_concat(LayerReader& reader) {
  const std::vector<LayerChain> branches = reader.branches("branches", "branch");
  const Shape& first = branches.front().output;
  std::vector<int64_t> joined(first.begin(), first.end());
  joined.back() = 0;
  for (const LayerChain& branch : branches) {
    const Shape& shape = branch.output;
    if (shape.axes() != first.axes() ||
        !std::equal(shape.begin(), shape.end() - 1, first.begin())) {
      reader.fail("joins channels, but its branches make " + first.to_string() + " and " +
                  shape.to_string() + "; they may differ in the last number only");
    }
    joined.back() += shape[shape.axes() - 1];
  }
  return {Shape(std::span<const int64_t>(joined)), [branches] {
            auto concat = std::make_unique<nn::Concat>();
            int number = 1;
            for (const LayerChain& branch : branches) {
              concat->add("branch" + std::to_string(number++), branch.make());
            }
            return concat;
          }};
}

}  // namespace

void add_containers(LayerKinds& kinds) {
  kinds.add({"Sequential", "layers: one behind the other", "block", read_sequential, "layers"});
  kinds.add({"Residual", "body, shortcut: the sum of both; an empty shortcut is the input", "block",
             read_residual, "body"});
  kinds.add({"Concat", "branches: lists of layers side by side, channels joined", "concat",
             read_concat, "branches"});
}

}  // namespace espalier::experiment
