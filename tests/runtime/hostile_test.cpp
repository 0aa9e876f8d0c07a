#include <catch2/catch.hpp>

#include "espalier/compress/runtime/format/checksum.h"
#include "espalier/compress/runtime/runtime.h"
#include "runtime/builder.h"

using namespace build;
using espalier::runtime::Model;

namespace {

/// The same with the checksum that belongs to it, so that what lies behind is looked at.
void seal(std::vector<uint8_t>& bytes) {
  if (bytes.size() < 9) return;
  const uint32_t crc = espalier::runtime::crc32(bytes.data() + 9, bytes.size() - 9);
  for (size_t i = 0; i < 4; ++i) bytes[5 + i] = static_cast<uint8_t>(crc >> (8 * i));
}

/// Loads what may be anything; runs it if it is a network of moderate size.
bool survives(const std::vector<uint8_t>& bytes) {
  Model model;
  const auto status = espalier::runtime::load(
      bytes.data(), bytes.size(), {.max_bytes = 4 << 20, .max_arena_bytes = 4 << 20}, model);
  if (!status.ok()) {
    REQUIRE(!model.loaded());
    REQUIRE(status.message()[0] != 0);
    return false;
  }
  if (model.input_size() > 100000 || model.output_size() > 100000) return true;
  REQUIRE(model.arena_bytes(1) <= 4 << 20);
  std::vector<char> arena(model.arena_bytes(1));
  std::vector<uint8_t> pixels(static_cast<size_t>(model.input_size()), 77);
  std::vector<float> scores(static_cast<size_t>(model.output_size()));
  REQUIRE(model.run(pixels.data(), 1, scores.data(), arena.data(), arena.size()).ok());
  return true;
}

std::vector<std::vector<uint8_t>> samples() {
  std::vector<std::vector<uint8_t>> all;
  for (const bool codes : {false, true}) {
    Builder b(
        {9, 8, 3},
        {.codes = codes, .form = codes ? Form::channel_codes : Form::codebook, .density = 0.3});
    b.network.normalisation = {{0.1f, 0.2f, 0.3f}, {0.3f, 0.2f, 0.1f}};
    const int start = b.conv(6, 3, {.padding = 1, .clamp = file::Clamp::relu});
    b.conv(6, 3, {.padding = 1, .groups = 6});
    const int next = b.sum(start, b.current);
    b.activation(file::Function::tanh);
    b.concat({next, b.current});
    b.pool(file::AveragePool{});
    b.flatten();
    b.linear(7);
    if (codes) {
      b.network.self_test = file::SelfTest{1, std::vector<int8_t>(7), {}};
      b.network.class_names = {"a", "bc", "", "def", "gh", "i", "jkl"};
    }
    all.push_back(file::encode(b.network));
  }
  return all;
}

}  // namespace

TEST_CASE("runtime: files that are cut short are refused, wherever") {
  for (const auto& whole : samples()) {
    REQUIRE(survives(whole));
    for (size_t size = 0; size < whole.size(); ++size) {
      std::vector<uint8_t> bytes(whole.begin(), whole.begin() + static_cast<int64_t>(size));
      REQUIRE(!survives(bytes));
      seal(bytes);
      REQUIRE(!survives(bytes));
    }
    REQUIRE(!survives({}));
    REQUIRE(espalier::runtime::load(nullptr, 0, {}, *std::make_unique<Model>()).code() ==
            espalier::runtime::StatusCode::not_a_network);
  }
}

TEST_CASE("runtime: files with changed bytes never harm") {
  std::mt19937 random(3);
  int loaded = 0, refused = 0;
  for (const auto& whole : samples()) {
    // Every byte once, with a few values; then several at random.
    for (size_t at = 4; at < whole.size(); ++at) {
      for (const int change : {1, 128, 255, -1}) {
        auto bytes = whole;
        bytes[at] = static_cast<uint8_t>(change < 0 ? 0 : bytes[at] ^ change);
        seal(bytes);
        (survives(bytes) ? loaded : refused) += 1;
      }
    }
    for (int i = 0; i < 3000; ++i) {
      auto bytes = whole;
      for (unsigned k = 0; k <= random() % 6; ++k)
        bytes[4 + random() % (bytes.size() - 4)] = static_cast<uint8_t>(random());
      seal(bytes);
      (survives(bytes) ? loaded : refused) += 1;
    }
  }
  // Both happen: the changes reach the stream, and the checks reach the changes.
  REQUIRE(loaded > 100);
  REQUIRE(refused > 1000);
}

TEST_CASE("runtime: random bytes behind a right beginning never harm") {
  std::mt19937 random(4);
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint8_t> bytes = {'E', 'S', 'P', 'L', 1, 0, 0, 0, 0};
    for (unsigned k = random() % 80; k > 0; --k)
      bytes.push_back(static_cast<uint8_t>(random() % 3 ? random() % 8 : random()));
    seal(bytes);
    survives(bytes);
  }
}
