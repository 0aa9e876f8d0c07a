// The figures of worked examples against what comes out with pencil and paper.
#include <catch2/catch.hpp>

#include "compress/worked/tables.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/option_list.h"
#include "espalier/compress/registry.h"
#include "espalier/compress/worked/any_algorithm.h"
#include "espalier/compress/worked/builtin.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;
using Numbers = std::vector<double>;

namespace {

/// The example, worked for its own numbers.
std::string worked_out(const WorkedExample& example) {
  return example.work(example.numbers);
}

size_t columns(const std::string& line) {
  size_t count = 0;
  for (const char c : line) count += (c & 0xC0) != 0x80;
  return count;
}

}  // namespace

TEST_CASE("LevelPruner by hand: five of ten, and again after a step") {
  const std::string text = worked_out(worked::level_pruner());
  CHECK_THAT(text, Contains("round(0.5·10) = 5"));
  CHECK(below(text, "rank") == Numbers{10, 2, 5, 9, 3, 7, 4, 8, 6, 1});
  CHECK(below(text, "mask") == Numbers{1, 0, 0, 1, 0, 1, 0, 1, 1, 0});
  CHECK(below(text, "effective") == Numbers{0.9, 0, 0, -0.7, 0, 0.45, 0, 0.6, -0.35, 0});
  // A quarter more each: 0.3 becomes 0.55 and comes back, -0.35 becomes -0.1 and goes.
  CHECK(below(text, "w", 1) == Numbers{1.15, 0.2, 0.55, -0.45, 0.35, 0.7, 0.05, 0.85, -0.1, 0.27});
  CHECK(below(text, "mask", 1) == Numbers{1, 0, 1, 1, 0, 1, 0, 1, 0, 0});
  CHECK(below(text, "effective", 1) == Numbers{1.15, 0, 0.55, -0.45, 0, 0.7, 0, 0.85, 0, 0});
  CHECK_THROWS_WITH(worked::level_pruner().work({1}), Contains("at least two weights"));
}

TEST_CASE("AGPruner by hand: equation 1, and the masks it leads to") {
  const std::string text = worked_out(worked::ag_pruner());
  CHECK(below(text, "(1 - t/4)³") == Numbers{1, 0.421875, 0.125, 0.015625, 0});
  CHECK(below(text, "s(t)") == Numbers{0.2, 0.546875, 0.725, 0.790625, 0.8});
  CHECK(below(text, "k") == Numbers{2, 5, 7, 8, 8});
  CHECK(below(text, "t=0") == Numbers{1, 0, 1, 1, 1, 1, 1, 1, 1, 0});
  CHECK(below(text, "t=1") == Numbers{1, 0, 0, 1, 0, 1, 0, 1, 1, 0});
  CHECK(below(text, "t=2") == Numbers{1, 0, 0, 1, 0, 0, 0, 1, 0, 0});
  CHECK(below(text, "t=3") == Numbers{1, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  CHECK(below(text, "t=4") == below(text, "t=3"));
  CHECK(below(text, "effective") == Numbers{0.9, 0, 0, -0.7, 0, 0, 0, 0, 0, 0});
  CHECK(below(worked::ag_pruner().work({3, 2, -1}), "k") == Numbers{1, 2, 2, 2, 2});
  CHECK_THROWS_WITH(worked::ag_pruner().work({}), Contains("at least two weights"));
}

TEST_CASE("SensitivityPruner by hand: a deviation, and the threshold that stays") {
  const std::string text = worked_out(worked::sensitivity_pruner());
  CHECK_THAT(text, Contains("m = 0.5/10 = 0.05"));
  CHECK(below(text, "w - m") ==
        Numbers{0.85, -0.15, 0.35, -0.85, 0.15, -0.55, 0.05, 0.55, -0.35, -0.05});
  CHECK(below(text, "(w - m)²") ==
        Numbers{0.7225, 0.0225, 0.1225, 0.7225, 0.0225, 0.3025, 0.0025, 0.3025, 0.1225, 0.0025});
  CHECK_THAT(text, Contains("σ = √(2.345/10) = 0.4843"));
  CHECK(below(text, "mask") == Numbers{1, 0, 0, 1, 0, 1, 0, 1, 0, 0});
  // 0.8 of 0.5 and of 0.6 lie below 0.4843.
  CHECK(below(text, "w", 2) == Numbers{0.72, 0, 0, -0.64, 0, -0.4, 0, 0.48, 0, 0});
  CHECK(below(text, "mask", 1) == Numbers{1, 0, 0, 1, 0, 0, 0, 0, 0, 0});
  CHECK_THAT(text, Contains("(Of the 4 weights left alone it would be 0.5727.)"));  // √(1.312/4)
  // Around a mean of 0 up to rounding: no 1e-9 in the text.
  CHECK_THAT(worked::sensitivity_pruner().work({0.1f, 0.2f, -0.3f}), Contains("m = 0/3 = 0."));
  CHECK_THAT(worked::sensitivity_pruner().work({0.5f, 0.5f}), Contains("q·σ = 0."));
  CHECK_THROWS_WITH(worked::sensitivity_pruner().work({1}), Contains("at least two weights"));
}

TEST_CASE("Filters by hand: the two norms disagree") {
  const std::string l1 = worked_out(worked::l1_filter_pruner());
  CHECK(below(l1, "score") == Numbers{1, 0.8, 1.2, 1.1, 0.9});
  CHECK(below(l1, "mask") == Numbers{1, 0, 1, 1, 0});
  CHECK_THAT(l1, Contains("round((1 - 0.4)·5) = round(3) stay") &&
                     Contains("Filters 2, 5 go whole") &&
                     Contains("Mask of the next layer's inputs: 10110"));
  const std::string l2 = worked_out(worked::l2_filter_pruner());
  CHECK(below(l2, "score") == Numbers{0.7071, 0.8, 0.9487, 0.7778, 0.8062});
  CHECK(below(l2, "mask") == Numbers{0, 1, 1, 0, 1});
  CHECK_THAT(l2, Contains("√(0.3² + 0.9²)") && Contains("Filters 1, 4 go"));
  for (const WorkedExample& example : {worked::l1_filter_pruner(), worked::l2_filter_pruner()}) {
    CHECK_THROWS_WITH(example.work({1, 2, 3}), Contains("3 numbers do not divide into filters"));
    CHECK_THROWS_WITH(example.work({1, 2}), Contains("at least two filters"));
    CHECK_THAT(example.work({1, 2, 3, 4}), Contains("Filter 1 goes"));
  }
}

TEST_CASE("FPGMPruner by hand: points in the middle go, small ones do not") {
  const std::string text = worked_out(worked::fpgm_pruner());
  CHECK(below(text, "to 1") == Numbers{0, 0.41, 0.41, 1, 1.2});
  CHECK(below(text, "to 5") == Numbers{1.2, 0.89, 0.86, 2.2, 0});
  CHECK(below(text, "score") == Numbers{3.029, 3.076, 3.086, 5.937, 5.161});
  CHECK(below(text, "mask") == Numbers{0, 0, 1, 1, 1});
}

TEST_CASE("SlimPruner by hand: a penalty, and one ranking over two layers") {
  const std::string text = worked_out(worked::slim_pruner());
  CHECK(below(text, "γ trained") ==
        Numbers{0.88, 0.03, 0.68, -0.58, 0.38, 0.06, 0.48, -0.01, 1.08, 0.28});
  CHECK(below(text, "rank") == Numbers{9, 2, 8, 7, 5, 3, 6, 1, 10, 4});
  CHECK(below(text, "mask") == Numbers{1, 0, 1, 1, 0, 0, 1, 0, 1, 0});
  // All of one layer are smaller: its largest stays all the same.
  CHECK(below(worked::slim_pruner().work({0.1f, 0.2f, 1, 2}), "mask") == Numbers{0, 1, 1, 1});
  CHECK_THROWS_WITH(worked::slim_pruner().work({1, 2, 3, 4, 5}), Contains("as many scales"));
}

TEST_CASE("TaylorPruner by hand: large weights go where their effects cancel") {
  const std::string text = worked_out(worked::taylor_pruner());
  CHECK(below(text, "score") == Numbers{0.0036, 0.0009, 0.0256, 0.0169, 0.0225});
  CHECK(below(text, "mask") == Numbers{0, 0, 1, 1, 1});
  CHECK_THAT(text, Contains("(0.27 - 0.3)²"));
  CHECK_THROWS_WITH(worked::taylor_pruner().work({1, 2, 3, 4, 5, 6}),
                    Contains("6 numbers do not divide into filters of 4"));
}

TEST_CASE("every pruner of the library has an example of its own, and no example is too wide") {
  const Registry registry = Registry::with_builtin();
  for (const Registry::Entry& entry : registry.entries()) {
    INFO(entry.name);
    const WorkedExample example = worked_example(entry);
    if (algorithm_kind(entry) == "pruner") CHECK(entry.worked.work);
    if (!entry.worked.work) continue;
    CHECK_FALSE(example.what.empty());
    std::istringstream lines(worked_out(example));
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      CHECK(columns(line) <= 78);  // the program indents it by two
    }
    CHECK_THROWS_AS(example.work({}), Error);
  }
}
