// Generated C files as text: how weights are packed, where values lie, what is refused. That they
// give the reference's scores is tested where they are compiled, in tests/embedded.
#include "espalier/compress/export/c_source.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/arena_plan.h"
#include "espalier/compress/export/c_program.h"
#include "espalier/compress/export/pixel_tables.h"
#include "espalier/compress/export/weight_packing.h"
#include "support/c_check.h"
#include "support/files.h"
#include "support/integer_networks.h"

using namespace espalier;
using namespace espalier::compress;
using namespace espalier::compress::c_code;
using namespace espalier::test;
using Catch::Contains;

namespace {

/// Two pixels, three outputs: x = code·0.5, w = code·0.25, y = (code + 3)·0.5.
file::Network three_outputs() {
  file::Network network;
  network.values = {{{2}, file::Grid{0.5f, 0, -128, 127}}, {{3}, file::Grid{0.5f, -3, -128, 127}}};
  file::Linear linear;
  linear.weights.shape = {3, 2};
  linear.weights.codes = {3, -5, 100, 7, -1, 0};
  linear.weights.scales = {0.25f};
  linear.bias.codes = {1, -2, 0};
  network.operations = {{"fc", {0}, 1, linear}};
  return network;
}

std::string refusal(const file::Network& network, const std::string& name = "net") {
  try {
    c_source(network, {.name = name});
  } catch (const Error& error) {
    return error.what();
  }
  return "not refused";
}

}  // namespace

TEST_CASE("c source: scores that are worked out by hand") {
  if (std::system("cc --version >/dev/null 2>&1") != 0) {
    WARN("skipped: no C compiler (cc)");
    return;
  }
  const testing::TemporaryFolder folder;
  write_text(folder / "net.c", c_source(three_outputs(), {.name = "net"}));
  write_text(folder / "net.h", c_header(three_outputs(), {.name = "net"}));
  // A pixel of 255 is 1, the code 2.
  //   255, 0: sums 7, 198, −2; a quarter is 1.75, 49.5 and −0.5: 2, 50 and 0, less 3
  //   0, 255: sums −9, 12, 0: −2.25 and 3
  // and the header is one for C++ as well.
  write_text(folder / "main.cpp", R"(
    #include "net.h"
    int main() {
      static const uint8_t pixels[2][2] = {{255, 0}, {0, 255}};
      static const int8_t expected[2][3] = {{-1, 47, -3}, {-5, 0, -3}};
      static uint32_t arena[(NET_ARENA_BYTES + 3) / 4];
      for (int n = 0; n < 2; ++n) {
        int8_t scores[NET_CLASSES];
        net_run(pixels[n], scores, arena);
        for (int k = 0; k < 3; ++k) if (scores[k] != expected[n][k]) return 1 + 3 * n + k;
      }
      return NET_SCORE_SCALE == 0.5f && NET_SCORE_ZERO_POINT == -3 ? 0 : 100;
    })");
  const std::string in = "cd " + folder.path() + " && ";
  REQUIRE(std::system((in + "cc -std=c99 -c net.c -o net.o").c_str()) == 0);
  REQUIRE(std::system((in + "c++ main.cpp net.o -o main").c_str()) == 0);
  CHECK(std::system((in + "./main").c_str()) == 0);
}

TEST_CASE("c source: the reference gives what is worked out by hand") {
  const file::Network network = three_outputs();
  const file::Reference reference(network);
  CHECK(reference.all_values(reference.of_pixels({255, 0}))[1].codes ==
        std::vector<int64_t>{-1, 47, -3});
  CHECK(reference.all_values(reference.of_pixels({0, 255}))[1].codes ==
        std::vector<int64_t>{-5, 0, -3});
}

TEST_CASE("c source: weights are packed as documented") {
  SECTION("all of them, on the line through them") {
    const std::vector<int16_t> odd{-3, 3, 1, -1};
    const PackedWeights packed = pack_weights(odd, 2);
    CHECK(packed.gap_bits == 0);
    CHECK(packed.code_bits == 2);
    CHECK(packed.lowest == -3);
    CHECK(packed.step == 2);
    CHECK(packed.data == std::vector<uint8_t>{0b01'10'11'00, 0});  // codes 0, 3, 2, 1
  }
  SECTION("those that are not 0, behind gaps") {
    std::vector<int16_t> few(20, 0);
    few[4] = 7;
    few[15] = 9;
    const PackedWeights packed = pack_weights(few, 10);
    // Gaps of 4, 10 and 4, codes 0 and 1: in fields of 3 bits 4, 0, 7, 3, 1, 4.
    CHECK(packed.gap_bits == 3);
    CHECK(packed.code_bits == 1);
    CHECK(packed.stored == 2);
    CHECK(packed.in_one_row == 1);
    CHECK(packed.data == std::vector<uint8_t>{0b1'111'0'100, 0b100'1'01, 0});
  }
  SECTION("bytes") {
    const std::vector<int16_t> bytes{-128, 1, 127, 5};
    CHECK(pack_weights(bytes, 4).bytes);
    CHECK(pack_weights(bytes, 4).data == std::vector<uint8_t>{128, 1, 127, 5});
    CHECK_FALSE(pack_weights(bytes, 4, false).bytes);
    CHECK(pack_weights(bytes, 4, false).code_bits == 8);
  }
  SECTION("zeros alone") {
    const PackedWeights packed = pack_weights(std::vector<int16_t>(1000, 0), 100);
    CHECK(packed.data.size() == 2);
    CHECK(unpack_weights(packed, 10, 100) == std::vector<int16_t>(1000, 0));
  }
}

TEST_CASE("c source: packed weights are the weights") {
  std::mt19937 random(1);
  for (int trial = 0; trial < 400; ++trial) {
    const int64_t rows = 1 + random() % 9, row = 1 + random() % 300;
    const unsigned range = 1u << random() % 9, kept = 1 + random() % 100;
    std::vector<int16_t> weights;
    for (int64_t i = 0; i < rows * row; ++i) {
      const int weight = static_cast<int>(random() % (2 * range)) - static_cast<int>(range);
      weights.push_back(random() % 100 < kept ? static_cast<int16_t>(std::max(weight, -255)) : 0);
    }
    INFO(rows << " rows of " << row << ", range " << range << ", kept " << kept << " %");
    for (const bool bytes : {true, false}) {
      CHECK(unpack_weights(pack_weights(weights, row, bytes), rows, row) == weights);
    }
  }
}

TEST_CASE("c source: the size of sparse weights is near what positions and values need") {
  // Of 400,000 weights 2 % are kept: positions have 0.1414 bits a weight (the entropy of 2 %),
  // values 7 bits.
  std::mt19937 random(2);
  std::vector<int16_t> weights;
  int64_t kept = 0;
  for (int i = 0; i < 400000; ++i) {
    const bool keep = random() % 50 == 0;
    kept += keep;
    weights.push_back(keep ? static_cast<int16_t>(1 + random() % 127) : 0);
  }
  const double least = (0.1414 * 400000 + 7.0 * static_cast<double>(kept)) / 8;
  const PackedWeights packed = pack_weights(weights, 800);
  CHECK(static_cast<double>(packed.data.size()) < 1.05 * least);
}

TEST_CASE("c source: memory is planned by lifetimes") {
  // The third item fits where the first was, beside the second.
  const ArenaPlan plan = plan_arena({{{100, 0, 1}}, {{50, 1, 2}}, {{30, 2, 3}}});
  CHECK(plan.offsets == std::vector<int64_t>{0, 100, 0});
  CHECK(plan.bytes == 152);
  // Once the first is written over by what is smaller, there is room behind.
  const ArenaPlan over = plan_arena({{{100, 0, 1}, {20, 1, 3}}, {{60, 2, 3}}});
  CHECK(over.offsets == std::vector<int64_t>{0, 20});
  CHECK(over.bytes == 100);
}

TEST_CASE(
    "c source: pictures are read in place, pooling writes over its input, flattening is free") {
  const file::Network network = lenet5(0.98);
  const Program program = c_program(network);
  REQUIRE(program.steps.size() == 6);  // of seven operations
  CHECK(program.places[0].where == Place::Where::pixels);
  CHECK(program.places[1].offset == program.places[2].offset);  // pooling in place
  CHECK(program.places[4].offset == program.places[5].offset);  // flattening
  CHECK(program.places.back().where == Place::Where::scores);
  CHECK(program.arena_bytes < 24 * 24 * 20 + 1000);
  CHECK(program.steps[0].kernel == "convolve_by_weight_of_pixels");
  CHECK(program.steps[4].kernel == "linear_sparse");
}

TEST_CASE("c source: functions that nothing calls are not written") {
  const std::string lenet = c_source(lenet5(0.98), {.name = "lenet5"});
  CHECK_THAT(lenet, Contains("static void max_pool("));
  for (const char* other : {"average_pool", "convolve_by_pixel", "look_up", "flatten(",
                            "linear_bytes", "convert", "codes_of_pixels", "malloc", "math.h"}) {
    CHECK_THAT(lenet, !Contains(other));
  }
  CHECK_THAT(c_source(lenet5(0), {.name = "lenet5"}), Contains("linear_bytes("));
  CHECK(c_source(lenet5(0.98), {.name = "lenet5"}) == lenet);
}

TEST_CASE("c source: a layer's path cannot end a comment") {
  file::Network network = three_outputs();
  network.operations[0].layer = "a*/ int x; /*\\\n?\?/b";
  const std::string text = c_source(network, {.name = "net"});
  CHECK_THAT(text, Contains("a_/ int x; /_"));
  CHECK_THAT(text, !Contains("*/ int x"));
}

TEST_CASE("c source: names of classes are a list for an array, whatever is in them") {
  file::Network network = three_outputs();
  CHECK_THAT(c_source(network, {.name = "net"}), !Contains("CLASS_NAMES"));
  network.class_names = {"cat", "a\"\\\n?\?=1", "\xC3\xA4pfel"};
  for (const std::string& text :
       {c_source(network, {.name = "net"}), c_header(network, {.name = "net"})}) {
    CHECK_THAT(text, Contains("#define NET_CLASS_NAMES {\"cat\", \"a\\042\\134\\012\\077\\077=1\", "
                              "\"\\303\\244pfel\"}\n"));
    CHECK_THAT(text, Contains("names[] = NET_CLASS_NAMES;"));
  }
  network.class_names.pop_back();
  CHECK_THAT(refusal(network), Contains("2 names for 3 classes"));
}

TEST_CASE("c source: pixels become codes by a table for each different channel") {
  file::Network network = convolutions();
  CHECK(pixel_tables(network).of_channel == std::vector<uint8_t>{0, 1, 2});
  network.normalisation = {{0.5f}, {0.25f}};
  const PixelTables tables = pixel_tables(network);
  CHECK(tables.of_channel == std::vector<uint8_t>{0, 0, 0});
  // (255/255 − 0.5)/0.25 = 2; 2/0.02 − 12 = 88. The other end is −2.
  CHECK(tables.tables[0][255] == 88);
  CHECK(tables.tables[0][0] == -112);
  network.normalisation.mean = {1, 2};
  CHECK_THAT(refusal(network), Contains("2 numbers for 3 channels"));
}

TEST_CASE("c source: what is float32 is refused by name") {
  file::Network network = lenet5(0.98);
  network.values[3].grid.reset();
  network.operations[2].layer = "conv2";
  CHECK_THAT(refusal(network), Contains("conv2") && Contains("float32") &&
                                   Contains("QATQuantizer") && Contains("espalier quantize"));
  network = three_outputs();
  network.values[0].grid.reset();
  CHECK_THAT(refusal(network), Contains("input is float32"));
  network = three_outputs();
  auto& linear = std::get<file::Linear>(network.operations[0].what);
  linear.weights.values.assign(6, 0.5f);
  linear.weights.codes.clear();
  CHECK_THAT(refusal(network), Contains("float32") && Contains("(at fc)"));
}

TEST_CASE("c source: networks that contradict themselves are refused") {
  const auto broken = [](auto change) {
    file::Network network = three_outputs();
    change(network, std::get<file::Linear>(network.operations[0].what));
    return refusal(network);
  };
  using N = file::Network&;
  using L = file::Linear&;
  CHECK_THAT(broken([](N, L l) { l.bias.codes[1] = INT32_MAX; }),
             Contains("32 bits") && Contains("fc"));
  CHECK_THAT(broken([](N, L l) { l.weights.codes.pop_back(); }), Contains("shape"));
  CHECK_THAT(broken([](N, L l) { l.weights.scales[0] = 1e30f; }), Contains("too far apart"));
  CHECK_THAT(broken([](N n, L) { n.values[0].shape = {1, 2, 1}; }), Contains("must be a vector"));
  CHECK_THAT(broken([](N n, L) { n.values[1].shape = {4}; }), Contains("result's shape"));
  CHECK_THAT(broken([](N n, L) { n.operations[0].inputs = {1}; }), Contains("not there yet"));
  CHECK_THAT(broken([](N n, L) { n.operations.clear(); }), Contains("no operation"));
}

TEST_CASE("c source: names are C identifiers") {
  for (const char* name : {"", "5net", "_net", "my-net", "a b", "naïve"}) {
    CHECK_THAT(refusal(three_outputs(), name), Contains("cannot begin the names"));
  }
  CHECK_THAT(c_source(three_outputs(), {.name = "Net_5"}),
             Contains("void Net_5_run(") && Contains("#define NET_5_CLASSES 3\n"));
}
