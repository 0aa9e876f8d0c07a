#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <thread>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/core/random.h"

using namespace espalier;

TEST_CASE("Philox gives the published words") {
  // Known answers of the authors' library, Random123: kat_vectors, philox4x32 10.
  using Words = std::array<uint32_t, 4>;
  CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
        Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32_10({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random streams are functions of position and differ by everything that names them") {
  const RandomStream a(7, Purpose::initialisation, 3), same(7, Purpose::initialisation, 3);
  CHECK(a.bits(1000) == same.bits(1000));
  std::set<uint32_t> first{a.bits(0), RandomStream(8, Purpose::initialisation, 3).bits(0),
                           RandomStream(7, Purpose::data_order, 3).bits(0),
                           RandomStream(7, Purpose::initialisation, 4).bits(0),
                           RandomStream(7, Purpose::initialisation, 3, 1).bits(0)};
  CHECK(first.size() == 5);
  double sum = 0, squares = 0, uniform = 0;
  constexpr int n = 100'000;
  for (int i = 0; i < n; ++i) {
    const double x = double{a.normal(static_cast<uint64_t>(i))};
    sum += x;
    squares += x * x;
    uniform += double{a.uniform(static_cast<uint64_t>(i))};
    REQUIRE(a.below(static_cast<uint64_t>(i), 3) < 3);
  }
  CHECK(sum / n == Approx(0).margin(0.02));
  CHECK(squares / n == Approx(1).margin(0.03));
  CHECK(uniform / n == Approx(0.5).margin(0.005));
}

TEST_CASE("parallel_for visits everything once, at any thread count") {
  for (int threads : {1, 2, 3, 8}) {
    Engine engine({.threads = threads});
    EngineScope scope(engine);
    for (int64_t n : {0, 1, 7, 1000, 1001}) {
      std::vector<int> visits(static_cast<size_t>(n), 0);
      parallel_for(n, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
      });
      CHECK(std::count(visits.begin(), visits.end(), 1) == n);
    }
  }
}

TEST_CASE("small work stays on one thread, and exceptions come back") {
  Engine engine({.threads = 4});
  EngineScope scope(engine);
  CHECK(parallel_part_count(100, 100) == 1);
  CHECK(parallel_part_count(400, 100) == 4);
  const auto fail = [](int64_t begin, int64_t) {
    if (begin > 0) throw Error("test", "from a team");
  };
  CHECK_THROWS_WITH(parallel_for(4, 1, fail), "[test] from a team");
  parallel_parts(4, 1, [&](int64_t, int64_t, int) {
    if (parallel_part_count(400, 100) != 1) throw Error("test", "a team inside a team");
    if (&Engine::current() != &engine) throw Error("test", "another engine in the team");
  });
}

#if defined(__x86_64__)
TEST_CASE("denormals are flushed in the whole team and settings restored") {
  Engine engine({.threads = 2});
  EngineScope scope(engine);
  const auto settings = [] {
    std::vector<unsigned> found(2);
    parallel_parts(2, 1, [&](int64_t, int64_t, int part) {
      found[static_cast<size_t>(part)] = _mm_getcsr() & 0x8040;
    });
    return found;
  };
  const std::vector<unsigned> before = settings();
  {
    FlushDenormals outer;
    CHECK(settings() == std::vector<unsigned>{0x8040, 0x8040});
    { FlushDenormals inner; }
    CHECK(settings() == std::vector<unsigned>{0x8040, 0x8040});
  }
  CHECK(settings() == before);
}
#endif

TEST_CASE("the buffer pool reuses memory, keeps to its bound and outlives its engine") {
  Buffer survivor;
  {
    BufferPool pool(1 << 20);
    const void* first = nullptr;
    {
      const Buffer buffer = pool.take(100'000);
      first = buffer.as();
    }
    {
      const Buffer buffer = pool.take(99'000);  // same size class
      CHECK(buffer.as() == first);
    }
    CHECK(pool.stats().hits == 1);
    CHECK(pool.stats().misses == 1);
    { const Buffer large = pool.take(4 << 20); }
    CHECK(pool.stats().bytes_cached <= (1 << 20));
    pool.release();
    CHECK(pool.stats().bytes_cached == 0);
    for (size_t bytes : {size_t{0}, size_t{1}, size_t{512}, size_t{513}, size_t{4096}, size_t{4097},
                         size_t{123'457}}) {
      const Buffer buffer = pool.take(bytes);
      CHECK(reinterpret_cast<uintptr_t>(buffer.as()) % 64 == 0);
      std::fill_n(buffer.as<char>(), bytes, 'x');
    }
    survivor = pool.take(1000);
  }
  std::fill_n(survivor.as<char>(), 1000, 'x');
}

TEST_CASE("what a thread finds in the pool does not depend on when the others ran") {
  Engine engine({.threads = 2});
  EngineScope scope(engine);
  std::atomic<bool> done = false;
  parallel_parts(2, 1, [&](int64_t, int64_t, int part) {  // one behind the other
    while (part == 1 && !done) std::this_thread::yield();
    engine.buffers().take(1000);
    done = true;
  });
  const int64_t misses = engine.buffers().stats().misses;
  std::atomic<int> holding = 0;
  parallel_parts(2, 1, [&](int64_t, int64_t, int) {  // both at once
    const Buffer buffer = engine.buffers().take(1000);
    ++holding;
    while (holding < 2) std::this_thread::yield();
  });
  CHECK(engine.buffers().stats().misses == misses);
}

TEST_CASE("size classes waste at most an eighth") {
  for (size_t bytes = 600; bytes < 3'000'000; bytes = bytes * 17 / 16 + 1) {
    BufferPool pool(0);
    const Buffer buffer = pool.take(bytes);
    CHECK(pool.stats().bytes_in_use >= bytes);
    CHECK(pool.stats().bytes_in_use <= bytes + bytes / 8 + 64);
  }
}

TEST_CASE("the object cache makes each object once and forgets the least recently used") {
  ObjectCache cache(2);
  const auto get = [&](int64_t key) {
    return *cache.get<int64_t>({key}, [&] { return std::make_shared<int64_t>(key * 10); });
  };
  CHECK(get(1) == 10);
  CHECK(get(2) == 20);
  CHECK(get(1) == 10);
  CHECK(cache.created() == 2);
  CHECK(get(3) == 30);  // 2 goes
  CHECK(get(1) == 10);
  CHECK(cache.created() == 3);
  get(2);
  CHECK(cache.created() == 4);
  CHECK(cache.size() == 2);
}

TEST_CASE("files are replaced as a whole or not at all") {
  const std::string path = "/tmp/espalier_atomic_" + std::to_string(::getpid());
  write_file_atomically(path, "one");
  write_file_atomically(path, "two");
  std::ifstream stream(path);
  CHECK(std::string(std::istreambuf_iterator<char>(stream), {}) == "two");
  CHECK_FALSE(std::ifstream(path + ".partial").good());
  CHECK_THROWS_WITH(write_file_atomically("/nowhere/file", "x"), Catch::Contains("/nowhere/file"));
  std::remove(path.c_str());
}

TEST_CASE("errors name the innermost layer") {
  const Error error = Error("conv2d", "no").at("block.conv1").at("block");
  CHECK(std::string(error.what()) == "[conv2d] no (at block.conv1)");
}
