#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "espalier/compress/runtime/runtime.h"
#include "runtime/builder.h"
#include "runtime/naive.h"

using namespace build;
using espalier::runtime::Model;
using espalier::runtime::StatusCode;

namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

// Every way to memory is counted: the C library's functions are replaced, and the operators call
// them. Sanitizers have replaced them already.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ESPALIER_COUNTS_ALLOCATIONS 1
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_memalign(size_t, size_t);
void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
}
#endif

namespace {

/// A network with branches, sums, pools, sparse and dense layers.
file::Network residual(const Options& options) {
  Builder b({16, 16, 3}, options);
  const int start = b.conv(16, 3, {.padding = 1, .clamp = file::Clamp::relu});
  b.conv(16, 3, {.padding = 1, .clamp = file::Clamp::relu});
  const int second = b.conv(16, 3, {.padding = 1});
  b.sum(start, second, file::Clamp::relu);
  b.pool(file::MaxPool{});
  b.activation(file::Function::hardswish);
  b.flatten();
  b.linear(40, file::Clamp::relu);
  b.linear(10);
  return b.network;
}

Model loaded(const file::Network& network, const espalier::runtime::Options& options = {}) {
  const auto bytes = file::encode(network);
  Model model;
  const auto status = espalier::runtime::load(bytes.data(), bytes.size(), options, model);
  INFO(status.message());
  REQUIRE(status.ok());
  return model;
}

std::vector<uint8_t> pixels_for(const Model& model, int batch) {
  return file::self_test_pixels(11, batch * model.input_size());
}

/// Threads that are made for each call: slow, but a pool.
class Threads : public espalier::runtime::ThreadPool {
 public:
  explicit Threads(int count) : count_(count) {}
  int threads() const override { return count_; }
  void run(int count, void (*task)(void*, int), void* context) override {
    ++calls;
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(task, context, i);
    for (auto& thread : threads) thread.join();
  }
  int calls = 0;

 private:
  int count_;
};

}  // namespace

#ifdef ESPALIER_COUNTS_ALLOCATIONS
TEST_CASE("runtime: run allocates nothing, load does") {
  for (const bool codes : {false, true}) {
    for (const double density : {1.0, 0.1}) {
      const int64_t before_load = allocations;
      const Model model = loaded(residual({.codes = codes, .density = density}));
      REQUIRE(allocations > before_load);
      const auto pixels = pixels_for(model, 3);
      std::vector<float> scores(30);
      std::vector<char> arena(model.arena_bytes(3));
      const int64_t before = allocations;
      const auto status = model.run(pixels.data(), 3, scores.data(), arena.data(), arena.size());
      const int64_t after = allocations;
      REQUIRE(status.ok());
      REQUIRE(after == before);
    }
  }
}
#endif

TEST_CASE("runtime: eight threads at once get what one gets") {
  for (const bool codes : {false, true}) {
    const Model model = loaded(residual({.codes = codes, .density = 0.3}));
    const auto pixels = pixels_for(model, 4);
    std::vector<float> expected(40);
    std::vector<char> arena(model.arena_bytes(4));
    REQUIRE(model.run(pixels.data(), 4, expected.data(), arena.data(), arena.size()).ok());
    std::atomic<int> equal{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        std::vector<char> mine(model.arena_bytes(4));
        for (int i = 0; i < 20; ++i) {
          std::vector<float> scores(40, -1);
          const auto status = model.run(pixels.data(), 4, scores.data(), mine.data(), mine.size());
          equal += status.ok() && scores == expected;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    REQUIRE(equal == 160);
  }
}

TEST_CASE("runtime: a pool of threads shares the samples of a batch") {
  const Model model = loaded(residual({.codes = true}));
  const int batch = 37;
  const auto pixels = pixels_for(model, batch);
  std::vector<float> alone(10 * batch), shared(10 * batch);
  std::vector<char> arena(model.arena_bytes(batch, 3));
  REQUIRE(model.run(pixels.data(), batch, alone.data(), arena.data(), arena.size()).ok());
  Threads pool(3);
  REQUIRE(model.run(pixels.data(), batch, shared.data(), arena.data(), arena.size(), &pool).ok());
  REQUIRE(pool.calls == 1);
  REQUIRE(alone == shared);
}

TEST_CASE("runtime: a pool of threads shares the steps of a single sample") {
  for (const bool codes : {false, true}) {
    for (const double density : {1.0, 0.2}) {
      Builder b({32, 32, 3}, {.codes = codes, .density = density});
      const int start = b.conv(33, 3, {.padding = 1, .clamp = file::Clamp::relu});
      b.conv(70, 3, {.padding = 1, .clamp = file::Clamp::relu});
      const int second = b.conv(33, 3, {.padding = 1});
      b.sum(start, second, file::Clamp::relu);
      b.conv(200, 29, {.clamp = file::Clamp::relu});
      b.conv(150, 3, {.stride = 2});
      b.flatten();
      b.linear(10);
      const Model model = loaded(b.network);
      const auto pixels = pixels_for(model, 1);
      std::vector<float> alone(10), shared(10);
      std::vector<char> arena(model.arena_bytes(1, 3));
      REQUIRE(model.run(pixels.data(), 1, alone.data(), arena.data(), arena.size()).ok());
      Threads pool(3);
      REQUIRE(model.run(pixels.data(), 1, shared.data(), arena.data(), arena.size(), &pool).ok());
      REQUIRE(pool.calls >= 3);
      REQUIRE(alone == shared);
    }
  }
}

TEST_CASE("runtime: wrong calls and small limits get a status") {
  const auto network = residual({});
  const Model model = loaded(network);
  const auto pixels = pixels_for(model, 1);
  std::vector<float> scores(10);
  std::vector<int8_t> codes(10);
  std::vector<char> arena(model.arena_bytes(1));
  const auto code = [](const espalier::runtime::Status& status) { return status.code(); };
  REQUIRE(code(model.run(pixels.data(), 1, codes.data(), arena.data(), arena.size())) ==
          StatusCode::wrong_call);
  REQUIRE(code(model.run(pixels.data(), 1, scores.data(), arena.data(), arena.size() - 1)) ==
          StatusCode::wrong_call);
  REQUIRE(code(model.run(pixels.data(), 0, scores.data(), arena.data(), arena.size())) ==
          StatusCode::wrong_call);
  REQUIRE(code(model.run(static_cast<const uint8_t*>(nullptr), 1, scores.data(), arena.data(),
                         arena.size())) == StatusCode::wrong_call);
  REQUIRE(code(model.self_test(arena.data(), arena.size())) == StatusCode::invalid);

  const auto bytes = file::encode(network);
  Model other;
  // From no memory to enough, every limit is kept, and the status says so.
  bool refused = false;
  for (size_t limit = 0; limit < model.bytes(); limit += 1 + limit / 7) {
    const auto status =
        espalier::runtime::load(bytes.data(), bytes.size(), {.max_bytes = limit}, other);
    REQUIRE(status.code() == StatusCode::too_large);
    REQUIRE(!other.loaded());
    refused = true;
  }
  REQUIRE(refused);
  REQUIRE(
      espalier::runtime::load(bytes.data(), bytes.size(), {.max_bytes = 4 * model.bytes()}, other)
          .ok());
  REQUIRE(other.bytes() == model.bytes());

  const auto with_arena = [&](size_t most) {
    return espalier::runtime::load(bytes.data(), bytes.size(), {.max_arena_bytes = most}, other);
  };
  REQUIRE(with_arena(model.arena_bytes(1)).ok());
  const auto status = with_arena(model.arena_bytes(1) - 1);
  REQUIRE(code(status) == StatusCode::too_large);
  REQUIRE(std::string(status.message()) == "a sample needs an arena of " +
                                               std::to_string(model.arena_bytes(1)) +
                                               " bytes, more than max_arena_bytes");
}

TEST_CASE("runtime: as many weights as the time for their file allows") {
  // All pruned: a byte in the file for tens of thousands of weights.
  for (const int64_t inputs : {4096, 4097}) {
    Builder b({1, 1, inputs}, {.codes = true, .form = Form::codes, .density = 0});
    b.flatten();
    b.linear(4096);
    auto& bias = std::get<file::Linear>(b.network.operations.back().what).bias;
    std::fill(bias.codes.begin(), bias.codes.end(), 0);
    const auto bytes = file::encode(b.network);
    REQUIRE(bytes.size() < 4096);
    Model model;
    const auto status = espalier::runtime::load(bytes.data(), bytes.size(), {}, model);
    INFO(status.message());
    REQUIRE(status.code() == (inputs == 4096 ? StatusCode::ok : StatusCode::too_large));
  }
}

TEST_CASE("runtime: a self-test passes on every machine and finds another network") {
  for (const bool codes : {false, true}) {
    auto network = residual({.codes = codes});
    std::vector<double> input;
    for (const uint8_t pixel : file::self_test_pixels(77, 768)) input.push_back(pixel / 255.0);
    const auto answer = naive::output(network, input);
    file::SelfTest test{77, {}, {}};
    for (const double x : answer) {
      if (codes) {
        test.codes.push_back(static_cast<int8_t>(x));
      } else {
        test.values.push_back(static_cast<float>(x));
      }
    }
    network.self_test = test;
    const Model right = loaded(network);
    REQUIRE(right.has_self_test());
    std::vector<char> arena(right.self_test_bytes());
    REQUIRE(right.self_test(arena.data(), arena.size()).ok());
    if (codes) {
      ++network.self_test->codes[3];
    } else {
      network.self_test->values[3] += 0.01f;
    }
    const Model wrong = loaded(network);
    REQUIRE(wrong.self_test(arena.data(), arena.size()).code() == StatusCode::invalid);
  }
  // A network that answers with no numbers at all.
  Builder b({1, 1, 2}, {});
  b.flatten();
  b.linear(1);
  b.linear(1);
  // The first layer's result is infinite, and 0 times that is none.
  auto& first = std::get<file::Linear>(b.network.operations[1].what);
  first.weights.values = {3e38f, 3e38f};
  first.bias.values = {3e38f};
  std::get<file::Linear>(b.network.operations[2].what).weights.values = {0};
  b.network.self_test = file::SelfTest{3, {}, {1.0f}};
  const Model none = loaded(b.network);
  std::vector<char> arena(none.self_test_bytes());
  REQUIRE(none.self_test(arena.data(), arena.size()).code() == StatusCode::invalid);
}

TEST_CASE("runtime: names of classes come with the network, or not at all") {
  auto network = residual({.codes = true, .form = Form::codes});
  const auto classes = network.values.back().shape[0];
  REQUIRE(loaded(network).class_name(0) == nullptr);
  const auto plain = file::encode(network);
  for (int64_t i = 0; i < classes; ++i) network.class_names.push_back("class " + std::to_string(i));
  network.class_names[1] = "";
  network.class_names[2] = "\xC3\xA4pfel";
  for (const bool tested : {false, true}) {
    if (tested)
      network.self_test = file::SelfTest{5, std::vector<int8_t>(static_cast<size_t>(classes)), {}};
    const Model model = loaded(network);
    REQUIRE(model.has_self_test() == tested);
    REQUIRE(std::string(model.class_name(0)) == "class 0");
    REQUIRE(std::string(model.class_name(1)).empty());
    REQUIRE(std::string(model.class_name(2)) == "\xC3\xA4pfel");
    REQUIRE(std::string(model.class_name(classes - 1)) == "class " + std::to_string(classes - 1));
    REQUIRE(model.class_name(classes) == nullptr);
    REQUIRE(model.class_name(-1) == nullptr);
  }
  // Programs that read version 1 alone read files without names.
  REQUIRE(plain[4] == 1);
  REQUIRE(file::encode(network)[4] == 2);
  network.class_names.pop_back();
  REQUIRE_THROWS_WITH(file::encode(network), Catch::Contains("9 names for 10 classes"));
}

namespace {

std::string golden(const std::string& name) {
  return ESPALIER_RUNTIME_DATA "/" + name;
}

}  // namespace

// Files that stay as they are: what was exported once must load and give the same for ever.
TEST_CASE("runtime: files of every format version give what they gave") {
  for (const std::string name : {"version1_float", "version1_codes", "version2_names"}) {
    std::ifstream in(golden(name + ".esp"), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    REQUIRE(!bytes.empty());
    Model model;
    const auto status = espalier::runtime::load(bytes.data(), bytes.size(), {}, model);
    INFO(status.message());
    REQUIRE(status.ok());
    std::vector<char> arena(model.self_test_bytes());
    REQUIRE(model.self_test(arena.data(), arena.size()).ok());
    // The outputs are kept beside the file as well.
    std::ifstream expected(golden(name + ".txt"));
    const auto pixels = pixels_for(model, 1);
    std::vector<float> scores(static_cast<size_t>(model.output_size()));
    REQUIRE(model.run(pixels.data(), 1, scores.data(), arena.data(), arena.size()).ok());
    for (const float score : scores) {
      float value = NAN;
      expected >> value;
      REQUIRE(score == Approx(value).epsilon(1e-4).margin(1e-5));
    }
    const char* third = model.class_name(3);
    REQUIRE(std::string(third ? third : "") == (name == "version2_names" ? "cat" : ""));
  }
}

// Hidden: run with the tag to write the file of a new format version.
TEST_CASE("runtime: write the golden file", "[.golden]") {
  auto network = residual(
      {.codes = true, .form = Form::channel_codes, .bits = 4, .density = 0.2, .seed = 2026});
  const auto input_of = [](uint32_t seed) {
    std::vector<double> input;
    for (const uint8_t pixel : file::self_test_pixels(seed, 768)) input.push_back(pixel / 255.0);
    return input;
  };
  network.self_test = file::SelfTest{5, {}, {}};
  for (const double x : naive::output(network, input_of(5)))
    network.self_test->codes.push_back(static_cast<int8_t>(x));
  network.class_names = {"airplane", "automobile", "bird",  "cat",  "deer",
                         "dog",      "frog",       "horse", "ship", "truck"};
  const auto bytes = file::encode(network);
  std::ofstream(golden("version2_names.esp"), std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  std::ofstream text(golden("version2_names.txt"));
  text.precision(9);
  for (const double x : naive::meaning(network.values.back(), naive::output(network, input_of(11))))
    text << x << "\n";
}
