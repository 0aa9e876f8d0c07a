#include "espalier/compress/config/sections.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/compress/registry.h"
#include "support/files.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;
using Catch::Equals;
using espalier::testing::CurrentFolder;
using espalier::testing::TemporaryFile;
using espalier::testing::TemporaryFolder;

namespace {

/// A class of a user, without a name of its own.
class KeepAll : public Pruner {
 public:
  using Pruner::Pruner;
  Tensor calc_mask(const LayerInfo& layer, const Tensor&) override {
    return Tensor::full(layer.shape, 1);
  }
};

/// One that is known by further names.
class HalfPruner : public KeepAll {
 public:
  using KeepAll::KeepAll;
  std::vector<std::string> aliases() const override { return {"Half_Pruner", "Halfpruner"}; }
};

const char* two_sections =
    "torchAGPruner:\n"
    "  config:\n"
    "    - {final_sparsity: 0.5, end_epoch: 3}\n"
    "    - {prune: False, support_op: fc2}\n"
    "LevelPruner:\n"
    "  config: {sparsity: 0.25}\n";

std::string names_of(const Compressor& compressor) {
  std::string names;
  for (const LayerInfo& layer : compressor.layers()) names += layer.name + " ";
  return names;
}

}  // namespace

TEST_CASE("a compressor takes its own section of a file") {
  const TemporaryFile file(two_sections);
  nn::Sequential a = four_layers(), b = four_layers();
  AGPruner agp;
  agp.load_configure(file.path());
  CHECK(agp.rules().size() == 2);
  agp(a);
  CHECK(names_of(agp) == "conv1 conv2 fc1 ");
  LevelPruner level;
  level.load_configure(file.path());
  level(b);
  CHECK(level.mask(level.layers()[2]).masked() == 320);
}

TEST_CASE("a class without a name of its own is called by its class, also in files") {
  KeepAll pruner;
  CHECK(pruner.name() == "KeepAll");
  CHECK(AGPruner().name() == "AGPruner");
  const TemporaryFile file("KeepAll: {config: [{support_op: fc1}]}\n");
  pruner.load_configure(file.path());
  nn::Sequential net = four_layers();
  pruner(net);
  CHECK(names_of(pruner) == "fc1 ");
}

TEST_CASE("load_configure appends, and comes before attaching") {
  const TemporaryFile file("tfLevelPruner:\n  config:\n    - {sparsity: 0.5, support_op: fc1}\n");
  const TemporaryFile wrong("LevelPruner:\n  config:\n    - {sparsity: 1.5, support_op: fc1}\n");
  nn::Sequential net = four_layers();
  LevelPruner pruner({{{"sparsity", 0.8}, {"support_type", "default"}}});
  pruner.load_configure(file.path());
  pruner(net);
  CHECK(pruner.layers()[1].rule == 0);
  CHECK(pruner.layers()[2].rule == 1);
  CHECK(pruner.mask(pruner.layers()[2]).masked() == 640);
  CHECK(pruner.mask(pruner.layers()[3]).masked() == 24);
  CHECK_THROWS_WITH(pruner.load_configure(file.path()),
                    Contains("before attaching") && Contains("[LevelPruner]"));

  nn::Sequential other = four_layers();
  LevelPruner second({{{"sparsity", 0.8}}});
  second.load_configure(wrong.path());
  CHECK_THROWS_WITH(second(other),
                    Equals("[config] " + wrong.path() +
                           ":3:18: sparsity must be a number in [0, 1), not 1.5 (in LevelPruner "
                           "rule 2)"));
}

TEST_CASE("a section that is not there, or there twice, is an error") {
  const auto load = [](const std::string& text) {
    const TemporaryFile file(text);
    AGPruner pruner;
    try {
      pruner.load_configure(file.path());
    } catch (const ConfigError& error) {
      std::string what = error.what();
      const size_t at = what.find(file.path());
      return at == std::string::npos ? what : what.replace(at, file.path().size(), "F");
    }
    return std::string("no error");
  };
  CHECK(load("LevelPruner: {config: [{sparsity: 0.5}]}\nAGPrunner: {config: []}\n") ==
        "[config] F:1:1: there is no section 'AGPruner'; did you mean 'AGPrunner'? There are "
        "LevelPruner, AGPrunner");
  CHECK(load("") ==
        "[config] F:1:1: this file is empty; it must hold sections such as 'AGPruner: "
        "{config: [...]}'");
  CHECK(load("{}") == "[config] F:1:1: there is no section 'AGPruner'; there are none");
  CHECK(load("- {sparsity: 0.5}\n") ==
        "[config] F:1:1: there must be a map of sections, such as 'AGPruner: {config: [...]}', not "
        "a list");
  CHECK(load("tfAGPruner: {config: []}\ntorchAGPruner: {config: []}\n") ==
        "[config] F:2:1: 'torchAGPruner' is the same as 'tfAGPruner' before it; put its rules into "
        "one section");
  CHECK(load("AGPruner:\n  - {final_sparsity: 0.5, end_epoch: 3}\n") ==
        "[config] F:2:3: the rules of AGPruner must stand below the key 'config', as in 'AGPruner: "
        "{config: [...]}'");
  CHECK(load("AGPruner: {final_sparsity: 0.5, end_epoch: 3}\n") ==
        "[config] F:1:11: missing key 'config' in AGPruner");
  CHECK(load("AGPruner: {cofig: []}\n") ==
        "[config] F:1:12: missing key 'config' in AGPruner; is 'cofig' meant to be it?");
  CHECK(load("AGPruner: {config: [], other: 1}\n") ==
        "[config] F:1:24: unknown key 'other' in AGPruner. Known keys: config");
  CHECK(load("AGPruner:\n  config:\n") ==
        "[config] F:2:3: config must be a list of rules, not nothing (in AGPruner); without any, "
        "leave it out");
  CHECK(load("AGPruner: 0.5\n") ==
        "[config] F:1:11: AGPruner must be a map of 'key: value', not 0.5");
  CHECK(load("AGPruner: {config: [0.5]}\n") ==
        "[config] F:1:21: AGPruner rule 1 must be a map of options, not 0.5");
  CHECK(load("AGPruner: {config: [], config: []}\n") != "no error");
  // What others have in the file is their matter.
  CHECK(load("NoSuchPruner: 3\nAGPruner:\n") == "no error");
  AGPruner pruner;
  CHECK_THROWS_WITH(pruner.load_configure("/no/such/file.yaml"),
                    Equals("[config] cannot read '/no/such/file.yaml': No such file or directory"));
}

TEST_CASE("aliases name an algorithm in files, with prefixes as well") {
  Registry registry = Registry::with_builtin();
  registry.add<HalfPruner>("HalfPruner", "keeps what it likes");
  for (const std::string name : {"HalfPruner", "Half_Pruner", "Halfpruner", "tfHalfPruner",
                                 "torchHalf_Pruner", "tfHalfpruner"}) {
    INFO(name);
    const TemporaryFile file(name + ": {config: [{support_op: fc1}]}\n");
    const auto made = registry.make_all_from(file.path());
    REQUIRE(made.size() == 1);
    CHECK(made[0]->name() == "HalfPruner");
    REQUIRE(registry.find(name) != nullptr);
    CHECK(registry.find(name)->name == "HalfPruner");
    // Made in code, it finds its section by the same names.
    HalfPruner in_code;
    in_code.load_configure(file.path());
    CHECK(in_code.rules().size() == 1);
  }
  CHECK(registry.find("halfpruner") == nullptr);
  CHECK(registry.find("tftorchHalfPruner") == nullptr);
  const TemporaryFile twice("HalfPruner: {config: []}\nHalf_Pruner: {config: []}\n");
  CHECK_THROWS_WITH(registry.make_all_from(twice.path()),
                    Contains(":2:1: there is a section for HalfPruner already; put the rules of "
                             "'Half_Pruner' into it"));
  HalfPruner in_code;
  CHECK_THROWS_WITH(in_code.load_configure(twice.path()),
                    Contains("'Half_Pruner' is the same as 'HalfPruner' before it"));
}

TEST_CASE("the registry makes every section of a file") {
  const Registry registry = Registry::with_builtin();
  const TemporaryFile file(two_sections);
  const auto made = registry.make_all_from(file.path());
  REQUIRE(made.size() == 2);
  CHECK(made[0]->name() == "AGPruner");
  CHECK(made[0]->rules().size() == 2);
  CHECK(made[1]->name() == "LevelPruner");

  const TemporaryFile unknown("LevelPruner: {config: [{sparsity: 0.5}]}\ntfAGPrunner:\n");
  CHECK_THROWS_WITH(
      registry.make_all_from(unknown.path()),
      Equals(
          "[config] " + unknown.path() +
          ":2:1: there is no algorithm named 'tfAGPrunner'; did you mean "
          "'AGPruner'? There are LevelPruner, AGPruner, SensitivityPruner, "
          "L1FilterPruner, L2FilterPruner, FPGMPruner, SlimPruner, TaylorPruner, "
          "NaiveQuantizer, QATQuantizer, PTQQuantizer, DoReFaQuantizer, WeightSharingQuantizer"
          ". One of your own comes with its plugin ('plugins: [FILE.so]' in the configuration, or "
          "--plugin FILE.so)"));
  const TemporaryFile twice("AGPruner: {config: []}\ntfAGPruner: {config: []}\n");
  CHECK_THROWS_WITH(registry.make_all_from(twice.path()),
                    Equals("[config] " + twice.path() +
                           ":2:1: there is a section for AGPruner already; put the rules of "
                           "'tfAGPruner' into it"));
  const TemporaryFile empty("");
  CHECK_THROWS_AS(registry.make_all_from(empty.path()), ConfigError);
}

TEST_CASE("an algorithm is called by the name it was registered by, and may come from a function") {
  Registry registry;
  int made_count = 0;
  registry.add("keep", "keeps everything", [&made_count](Rules rules) {
    ++made_count;
    return std::make_unique<KeepAll>(std::move(rules));
  });
  const auto made = registry.make_all(parse_yaml("keep: {config: [{sparsty: 1}]}\n", "f"));
  CHECK(made_count == 1);
  CHECK(made[0]->name() == "keep");
  nn::Sequential net = four_layers();
  CHECK_THROWS_WITH((*made[0])(net), Contains("in keep rule 1"));
}

TEST_CASE("compress may name a file, beside the configuration that names it") {
  const TemporaryFolder folder;
  std::ofstream(folder / "rules.yaml") << "LevelPruner:\n  config: [{sparsity: 2}]\n";
  std::ofstream(folder / "train.yaml") << "model: x\ncompress: rules.yaml\n";
  std::ofstream(folder / "lost.yaml") << "model: x\ncompress: nowhere.yaml\n";
  const Value resolved = resolve_sections(*read_yaml_file(folder / "train.yaml").find("compress"));
  REQUIRE(resolved.is_map());
  // Positions are those of the file that the rules are in.
  nn::Sequential net = four_layers();
  const auto made = Registry::with_builtin().make_all(resolved);
  CHECK_THROWS_WITH((*made[0])(net), Contains((folder / "rules.yaml") + ":2:23: sparsity"));
  CHECK_THROWS_WITH(
      resolve_sections(*read_yaml_file(folder / "lost.yaml").find("compress")),
      Equals("[config] " + (folder / "lost.yaml") + ":2:11: compress names the file '" +
             (folder / "nowhere.yaml") + "', which does not exist"));
  CHECK(resolve_sections(Value(folder / "rules.yaml")) == resolved);
  const CurrentFolder here(folder.path());
  CHECK(resolve_sections(Value("rules.yaml")) == resolved);
  CHECK(resolve_sections(resolved) == resolved);
  CHECK(resolve_sections(Value()).is_null());
}
