#include "espalier/nn/io/state_file.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/io/model_state.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/sgd.h"
#include "support/files.h"
#include "support/small_networks.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;
using espalier::testing::Bytes;
using espalier::testing::content_of;
using espalier::testing::TemporaryFolder;
using espalier::testing::write_plain;

namespace {

nn::State state_of(nn::Module& model, nn::Optimizer& optimizer) {
  nn::State state;
  nn::StateVisitor visitor = nn::StateVisitor::saving(state);
  nn::visit_model_state(model, visitor);
  optimizer.visit_state(visitor);
  return state;
}

void restore(nn::State state, nn::Module& model) {
  nn::StateVisitor visitor = nn::StateVisitor::restoring(state);
  nn::visit_model_state(model, visitor);
  visitor.require_all_used();
}

bool equal(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("a state comes back from its file as it was, every kind of value") {
  const TemporaryFolder folder;
  nn::StateFile file;
  file.metadata = {{"program", "test"}};
  auto& values = file.state.values;
  values["integer"] = std::numeric_limits<int64_t>::min();
  values["number"] = 0.1;
  values["infinite"] = -std::numeric_limits<double>::infinity();
  values["text"] = std::string("gräßlich\0\n\"", 12);
  values["no text"] = std::string();
  values["list"] = std::vector<int64_t>{3, -1};
  values["no list"] = std::vector<int64_t>{};
  values["tensor"] = normal({3, 5}, 1);
  values["scalar"] = Tensor::scalar(NAN);
  values["mask"] =
      Mask::from(Tensor::generate({3, 50}, [](int64_t i) { return i % 3 ? 1.f : 0.f; }));
  nn::write_state_file(folder / "state", file);
  const nn::StateFile read = nn::read_state_file(folder / "state");
  CHECK(read.metadata == file.metadata);
  REQUIRE(read.state.values.size() == values.size());
  for (const auto& [name, value] : values) {
    CAPTURE(name);
    const auto& other = read.state.values.at(name);
    REQUIRE(other.index() == value.index());
    if (const Tensor* tensor = std::get_if<Tensor>(&value)) {
      CHECK(equal(std::get<Tensor>(other), *tensor));
    } else if (const Mask* mask = std::get_if<Mask>(&value)) {
      CHECK(std::get<Mask>(other) == *mask);
    } else if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
      CHECK(std::get<std::vector<int64_t>>(other) == *list);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      CHECK(std::get<std::string>(other) == *text);
    } else if (const auto* number = std::get_if<double>(&value)) {
      CHECK(std::get<double>(other) == *number);
    } else {
      CHECK(std::get<int64_t>(other) == std::get<int64_t>(value));
    }
  }
  const Bytes bytes = content_of(folder / "state");
  nn::write_state_file(folder / "state", read);
  CHECK(content_of(folder / "state") == bytes);
}

TEST_CASE("files that hold no state, or no whole one, are refused with a word") {
  const TemporaryFolder folder;
  const std::string path = folder / "state";
  CHECK_THROWS_WITH(nn::read_state_file(path), Catch::Contains("cannot open"));
  nn::StateFile file;
  file.state.values["tensor"] = normal({20}, 1);
  nn::write_state_file(path, file);
  const Bytes whole = content_of(path);
  const auto refuses = [&](const Bytes& bytes, const char* why) {
    write_plain(path, bytes);
    CHECK_THROWS_WITH(nn::read_state_file(path), Catch::Contains(why) && Catch::Contains(path));
  };
  for (size_t length = 8; length < whole.size(); ++length)
    refuses(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)), "cut short");
  refuses({'P', 'K'}, "is no checkpoint");
  for (size_t at = 24; at < whole.size(); ++at) {
    Bytes damaged = whole;
    damaged[at] ^= 4;
    refuses(damaged, "is damaged");
  }
  Bytes longer = whole;
  longer.push_back(0);
  refuses(longer, "is damaged");
  Bytes newer = whole;
  newer[8] = 2;
  refuses(newer, "format version 2, this build reads version 1");
}

TEST_CASE("what a model and its optimizers remember is restored exactly") {
  nn::Sequential net = four_layers();
  nn::Adam adam(net, {.lr = 0.01});
  nn::SGD sgd(net, {.lr = 0.01, .momentum = 0.9});
  for (uint64_t i = 0; i < 3; ++i) {
    train_four_layers(net, adam, i);
    train_four_layers(net, sgd, i);
  }
  nn::State state = state_of(net, adam);
  CHECK(state.values.contains("conv1.weight.slot.0.v"));
  CHECK(state.values.contains("conv1.weight.slot.1.momentum"));

  nn::Sequential other = four_layers();
  nn::Adam other_adam(other, {.lr = 0.01});
  nn::SGD other_sgd(other, {.lr = 0.01, .momentum = 0.9});
  nn::StateVisitor visitor = nn::StateVisitor::restoring(state);
  nn::visit_model_state(other, visitor);
  other_adam.visit_state(visitor);
  visitor.require_all_used();
  for (uint64_t i = 3; i < 5; ++i) {
    for (nn::Optimizer* optimizer :
         {static_cast<nn::Optimizer*>(&adam), static_cast<nn::Optimizer*>(&sgd)})
      train_four_layers(net, *optimizer, i);
    for (nn::Optimizer* optimizer :
         {static_cast<nn::Optimizer*>(&other_adam), static_cast<nn::Optimizer*>(&other_sgd)})
      train_four_layers(other, *optimizer, i);
  }
  for (size_t i = 0; i < net.parameters().size(); ++i) {
    CAPTURE(net.parameters()[i].path());
    CHECK(equal(other.parameters()[i].parameter->effective_value(),
                net.parameters()[i].parameter->effective_value()));
    CHECK(other.parameters()[i].parameter->updates() == net.parameters()[i].parameter->updates());
  }
}

TEST_CASE("the state of another model is refused by name") {
  nn::Sequential saved;
  saved.add("fc", nn::Linear({.in = 3, .out = 2}));
  nn::SGD sgd(saved, {.lr = 0.1});
  nn::State state;
  nn::StateVisitor visitor = nn::StateVisitor::saving(state);
  nn::visit_model_state(saved, visitor);
  nn::Sequential other_name, other_shape, fewer;
  other_name.add("fc2", nn::Linear({.in = 3, .out = 2}));
  other_shape.add("fc", nn::Linear({.in = 4, .out = 2}));
  fewer.add("fc", nn::Linear({.in = 3, .out = 2, .bias = false}));
  CHECK_THROWS_WITH(restore(state, other_name), Catch::Contains("nothing was saved for 'weight' (at fc2)"));
  CHECK_THROWS_WITH(restore(state, other_shape),
                    Catch::Contains("2×3") && Catch::Contains("2×4") && Catch::Contains("at fc"));
  CHECK_THROWS_WITH(restore(state, fewer),
                    Catch::Contains("no place") || Catch::Contains("fc.bias"));
}

TEST_CASE("a mask comes back from its words") {
  const Mask mask = Mask::from(Tensor::from({2, 2}, {1, 0, 0, 1}));
  CHECK(Mask::from_words({2, 2}, {mask.words()[0]}) == mask);
  CHECK_THROWS(Mask::from_words({2, 2}, {}));
  CHECK_THROWS(Mask::from_words({2, 2}, {16}));
}
