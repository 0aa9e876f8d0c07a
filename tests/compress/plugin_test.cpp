#include "espalier/compress/plugin.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/sparsity.h"
#include "espalier/nn/optim/sgd.h"
#include "support/files.h"
#include "support/small_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::test;
using Catch::Contains;
using Catch::Equals;

namespace {
const std::string top_rows = ESPALIER_TOP_ROWS_PLUGIN;
}  // namespace

TEST_CASE("a pruner of a plugin is used from YAML like the library's own") {
  std::vector<std::unique_ptr<Compressor>> made;
  {
    Registry registry = Registry::with_builtin();
    load_plugin(top_rows, registry);
    CHECK(registry.entries().back().description == "keeps the first rows of each weight");
    made = registry.make_all(
        parse_yaml("TopRows:\n  config:\n    - {keep: 0.5, support_type: [Linear]}\n", "f"));
  }  // the compressors outlive the registry
  nn::Sequential net = four_layers();
  (*made.at(0))(net);
  CHECK(made[0]->name() == "TopRows");
  nn::SGD sgd(net, {.lr = 0.1, .momentum = 0.9});
  for (uint64_t step = 0; step < 3; ++step) train_four_layers(net, sgd, step);
  const std::vector<LayerSparsity> layers = layer_sparsities(net);
  CHECK(layers[0].sparsity() == 0);
  CHECK(layers[1].sparsity() == 0);
  CHECK(layers[2].sparsity() == 0.5);              // 5 of 10 rows
  CHECK(layers[3].sparsity() == Approx(1 / 3.0));  // 2 of 3 are kept
}

TEST_CASE("options of a plugin's pruner are checked as strictly") {
  Registry registry;
  load_plugin(top_rows, registry);
  const auto error_of = [&](const std::string& rules) {
    const auto made = registry.make_all(parse_yaml("TopRows: {config: " + rules + "}", "f"));
    nn::Sequential net = four_layers();
    try {
      (*made.at(0))(net);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(error_of("[{keep: 1.5}]") ==
        "[config] f:1:27: keep must be a number in (0, 1], not 1.5 (in TopRows rule 1)");
  CHECK_THAT(error_of("[{kep: 0.5}]"), Contains("f:1:21: missing key 'keep' in TopRows rule 1"));
  CHECK_THAT(error_of("[{keep: 0.5}, {prune: False, support_op: fc1, kep: 1}]"),
             Contains("unknown key 'kep' in TopRows rule 2; did you mean 'keep'?"));
  CHECK(error_of("[{keep: 0.5}, {prune: False, support_op: fc1}]") == "no error");
}

TEST_CASE("what is no plugin for this host is refused in one line") {
  Registry registry = Registry::with_builtin();
  const size_t built_in = registry.entries().size();
  const auto error_of = [&](const std::string& path) {
    try {
      load_plugin(path, registry);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(error_of("/no/such/plugin.so") == "[config] plugin '/no/such/plugin.so' is not there");
  const testing::TemporaryFile text("not a library", "text.so");
  CHECK_THAT(error_of(text.path()),
             Contains("plugin '" + text.path() + "' cannot be loaded: ") && !Contains("\n"));
  CHECK_THAT(error_of(ESPALIER_LIBRARY),
             Contains("has no function 'espalier_plugin', so it is no plugin"));
  CHECK_THAT(error_of(ESPALIER_OTHER_VERSION_PLUGIN),
             Contains("is made for version " + std::to_string(plugin_version + 1) +
                      " of the plugin interface, this is " + std::to_string(plugin_version)));
  CHECK(registry.entries().size() == built_in);
  CHECK(error_of(top_rows) == "no error");
  CHECK_THAT(error_of(top_rows), Contains("there is an algorithm named 'TopRows' already"));
  CHECK(registry.entries().size() == built_in + 1);
}

TEST_CASE("a plugin's path without a folder is a file of the current one") {
  const testing::CurrentFolder here(std::filesystem::path(top_rows).parent_path());
  Registry registry;
  CHECK_NOTHROW(load_plugin(std::filesystem::path(top_rows).filename().string(), registry));
  CHECK(registry.entries().size() == 1);
}
