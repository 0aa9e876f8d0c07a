#include "espalier/compress/worked/by_hand.h"

#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/worked/any_algorithm.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::compress::worked;
using Catch::Contains;

TEST_CASE("numbers stand as one writes them down") {
  CHECK(number(0.1f) == "0.1");
  CHECK(number(-0.0) == "0");
  CHECK(number(2.0 / 3) == "0.6667");
  CHECK(number(2.0 / 3, 2) == "0.67");
  CHECK(number_beside(1, 2e-9) == "0");
  CHECK(number_beside(1e-9, 2e-9) == "2e-09");
  CHECK(counted(1, "weight") == "1 weight");
  CHECK(plus({"0.1", "-0.4", "3"}) == "0.1 - 0.4 + 3");
  CHECK(ranks(std::vector<float>{0.3f, -0.1f, 0.3f, 0}) == std::vector<int64_t>{3, 2, 4, 1});
}

TEST_CASE("a table aligns points and headings of several bytes") {
  const std::string text = Table()
                               .places("i", 2)
                               .column("σ", std::vector<float>{0.25f, -1})
                               .column("word", std::vector<std::string>{"a", "γ·λ"})
                               .text();
  CHECK(text ==
        "  i       σ   word\n"
        "  1    0.25      a\n"
        "  2   -1.00    γ·λ\n");
  CHECK_THROWS_WITH(Table().places("i", 2).places("j", 3),
                    Contains("column 'j' has 3 cells and the others 2"));
}

TEST_CASE("a small layer computes with its weights and gets the gradient it is given") {
  SmallLayer layer(std::vector<float>{1, 2, 3, 4, 5, 6}, 2);
  CHECK(layer.effective() == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(layer.kept() == std::vector<float>(6, 1));
  layer.train(std::vector<float>{1, 0, 0, 0, 0, -2});
  CHECK(layer.effective() == std::vector<float>{0, 2, 3, 4, 5, 8});
  CHECK_THROWS_WITH(SmallLayer(std::vector<float>{1, 2, 3}, 2),
                    Contains("3 weights do not divide into 2 outputs"));

  AGPruner pruner({{{"final_sparsity", 0.5}, {"end_epoch", 1}, {"support_op", "layer"}}});
  layer.attach(pruner);
  layer.pass();
  CHECK(layer.effective() == std::vector<float>{0, 0, 0, 4, 5, 8});
  CHECK(layer.kept() == std::vector<float>{0, 0, 0, 1, 1, 1});
}

namespace {

/// Masks negative weights, from its second epoch on.
class KeepPositive : public Pruner {
 public:
  using Pruner::Pruner;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override {
    return Tensor::generate(layer.shape, [&](int64_t i) { return weight[i] < 0 ? 0.0f : 1.0f; });
  }
};

const Registry::Entry& entry(const Registry& registry, const std::string& name) {
  return *registry.find(name);
}

}  // namespace

TEST_CASE("an algorithm without an example of its own is attached to a small layer") {
  Registry registry;
  registry.add<KeepPositive>("KeepPositive", "masks what is negative");
  const WorkedExample example = worked_example(entry(registry, "KeepPositive"));
  CHECK(example.numbers.size() == 10);
  const std::string text = example.work({1, -2, 3, -4});
  CHECK_THAT(text, Contains("2 outputs and 2 inputs") && Contains("KeepPositive: {}") &&
                       Contains("Right after it has been attached") &&
                       Contains("2,1        3      1           3") &&
                       Contains("2,2       -4      0           0") &&
                       Contains("2 of 4 weights masked; the layer computes with 3 different"));
  CHECK_THROWS_WITH(example.work({}), Contains("at least one weight"));
}

TEST_CASE("an algorithm brings an example of its own") {
  Registry registry;
  registry.add<KeepPositive>(
      "KeepPositive",
      {.description = "masks what is negative",
       .worked = {.numbers = {1, 2}, .what = "numbers", .work = [](const auto& numbers) {
                    return "there are " + std::to_string(numbers.size()) + "\n";
                  }}});
  const WorkedExample example = worked_example(entry(registry, "KeepPositive"));
  CHECK(example.work(example.numbers) == "there are 2\n");
}
