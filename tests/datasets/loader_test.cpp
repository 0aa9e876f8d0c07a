#include "espalier/datasets/loader.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <iterator>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/datasets/subset.h"
#include "espalier/datasets/synthetic.h"

namespace espalier::datasets {
namespace {

using Catch::Matchers::Contains;

// Sample i has two pixels of value i; sample `broken` cannot be read.
class Counting : public Dataset {
 public:
  explicit Counting(int64_t size, int64_t broken = -1) : size_(size), broken_(broken) {}
  int64_t size() const override { return size_; }
  const Shape& sample_shape() const override { return shape_; }
  int classes() const override { return 3; }
  void read(int64_t index, float* pixels) const override {
    if (index == broken_) throw Error("counting", "this sample is broken");
    pixels[0] = pixels[1] = static_cast<float>(index);
  }
  int32_t label(int64_t index) const override { return static_cast<int32_t>(index % 3); }
  const Normalisation& normalisation() const override { return normalisation_; }

 private:
  int64_t size_, broken_;
  Shape shape_ = {1, 2, 1};
  Normalisation normalisation_;
};

DatasetPtr counting(int64_t size, int64_t broken = -1) {
  return std::make_shared<Counting>(size, broken);
}

// The samples of what is left of the pass, in order; checks that labels belong to images.
std::vector<int> rest(Loader& loader) {
  std::vector<int> order;
  Batch batch;
  while (loader.next(batch)) {
    REQUIRE(batch.images.shape()[0] == batch.labels.size());
    for (int64_t i = 0; i < batch.labels.size(); ++i) {
      const int sample = static_cast<int>(batch.images[2 * i]);
      REQUIRE(batch.images[2 * i + 1] == static_cast<float>(sample));
      REQUIRE(batch.labels[i] == sample % 3);
      order.push_back(sample);
    }
  }
  return order;
}

std::vector<int> epoch_order(Loader& loader, int epoch, int64_t first_batch = 0) {
  loader.start_epoch(epoch, first_batch);
  return rest(loader);
}

std::vector<int> counting_up(int n) {
  std::vector<int> result(static_cast<size_t>(n));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

std::vector<int> sorted(std::vector<int> values) {
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

TEST_CASE("loader: without shuffling, samples come in order and the last batch is smaller",
          "[datasets]") {
  const int prefetch = GENERATE(0, 1, 2, 7);
  Loader loader(counting(10), {.batch = 4, .prefetch = prefetch});
  CHECK(loader.samples() == 10);
  CHECK(loader.batches() == 3);
  CHECK(loader.classes() == 3);
  CHECK(loader.sample_shape() == Shape{1, 2, 1});
  CHECK(epoch_order(loader, 0) == counting_up(10));
  CHECK(epoch_order(loader, 5) == counting_up(10));

  loader.start_epoch(0);
  Batch batch;
  std::vector<Shape> shapes;
  while (loader.next(batch)) shapes.push_back(batch.images.shape());
  CHECK(shapes == std::vector<Shape>{{4, 1, 2, 1}, {4, 1, 2, 1}, {2, 1, 2, 1}});
  CHECK_FALSE(batch.images.defined());
  CHECK_FALSE(loader.next(batch));  // the end stays the end

  Loader whole(counting(10), {.batch = 4, .drop_last = true, .prefetch = prefetch});
  CHECK(whole.samples() == 8);
  CHECK(whole.batches() == 2);
  CHECK(epoch_order(whole, 0) == counting_up(8));

  Loader large(counting(10), {.batch = int64_t{1} << 60, .prefetch = prefetch});
  CHECK(large.batches() == 1);
  CHECK(epoch_order(large, 0) == counting_up(10));
}

TEST_CASE("loader: an order is a permutation, decided by seed and epoch alone", "[datasets]") {
  const int prefetch = GENERATE(0, 2);
  const auto make = [&](uint64_t seed, int64_t batch) {
    return std::make_unique<Loader>(
        counting(1000),
        LoaderOptions{.batch = batch, .shuffle = true, .seed = seed, .prefetch = prefetch});
  };
  const auto loader = make(1, 64);
  const std::vector<int> first = epoch_order(*loader, 0);
  const std::vector<int> second = epoch_order(*loader, 1);
  CHECK(sorted(first) == counting_up(1000));
  CHECK(sorted(second) == counting_up(1000));
  CHECK(first != counting_up(1000));
  CHECK(first != second);
  CHECK(epoch_order(*loader, 0) == first);
  CHECK(epoch_order(*make(1, 64), 1) == second);
  CHECK(epoch_order(*make(2, 64), 0) != first);
  CHECK(epoch_order(*make(1, 7), 0) == first);  // nor by the size of batches

  // Where an epoch is left or entered does not matter either.
  CHECK(epoch_order(*loader, 1, 3) == std::vector<int>(second.begin() + 3 * 64, second.end()));
  CHECK(epoch_order(*loader, 1, 16).empty());
}

TEST_CASE("loader: every place is equally likely for a sample", "[datasets]") {
  // 2000 epochs of 8 samples: each of the 64 counts has mean 250 and deviation 14.8.
  Loader loader(counting(8), {.batch = 8, .shuffle = true, .prefetch = 0});
  int count[8][8] = {};
  for (int epoch = 0; epoch < 2000; ++epoch) {
    const std::vector<int> order = epoch_order(loader, epoch);
    for (size_t place = 0; place < 8; ++place) ++count[place][order[place]];
  }
  for (const auto& place : count) {
    for (const int times : place) CHECK(std::abs(times - 250) < 75);
  }
}

TEST_CASE("loader: prefetching changes nothing", "[datasets]") {
  const DatasetPtr data = synthetic({.samples = 100, .shape = {6, 6, 2}});
  Loader plain(data, {.batch = 16, .shuffle = true, .seed = 3, .prefetch = 0});
  Loader ahead(data, {.batch = 16, .shuffle = true, .seed = 3, .prefetch = 3});
  for (int epoch = 0; epoch < 3; ++epoch) {
    plain.start_epoch(epoch);
    ahead.start_epoch(epoch);
    Batch a, b;
    int batches = 0;
    for (; plain.next(a); ++batches) {
      REQUIRE(ahead.next(b));
      REQUIRE(std::ranges::equal(a.images.values(), b.images.values()));
      REQUIRE(std::ranges::equal(a.labels.values(), b.labels.values()));
    }
    CHECK(batches == 7);
    CHECK_FALSE(ahead.next(b));
  }
}

TEST_CASE("loader: a pass may be left at any moment", "[datasets]") {
  const int prefetch = GENERATE(0, 1, 4);
  Loader reference(counting(100), {.batch = 3, .shuffle = true, .prefetch = 0});
  const std::vector<int> expected = epoch_order(reference, 1);
  for (int taken = 0; taken < 6; ++taken) {
    Loader loader(counting(100), {.batch = 3, .shuffle = true, .prefetch = prefetch});
    loader.start_epoch(0);
    Batch batch;
    for (int i = 0; i < taken; ++i) REQUIRE(loader.next(batch));
    CHECK(epoch_order(loader, 1) == expected);  // starts over in mid-epoch
    loader.start_epoch(2);
    REQUIRE(loader.next(batch));  // and dies in one
  }
}

TEST_CASE("loader: loops over an epoch each", "[datasets]") {
  static_assert(std::input_iterator<Loader::Iterator>);
  static_assert(std::sentinel_for<std::default_sentinel_t, Loader::Iterator>);
  const int prefetch = GENERATE(0, 2);
  Loader loader(counting(10), {.batch = 4, .shuffle = true, .prefetch = prefetch});
  Loader reference(counting(10), {.batch = 4, .shuffle = true, .prefetch = 0});
  const auto loop = [&] {
    std::vector<int> order;
    for (const auto& [images, labels] : loader) {
      for (int64_t i = 0; i < labels.size(); ++i) order.push_back(static_cast<int>(images[2 * i]));
    }
    return order;
  };
  CHECK(loop() == epoch_order(reference, 0));
  CHECK(loop() == epoch_order(reference, 1));
  for ([[maybe_unused]] const auto& batch : loader) break;  // epoch 2, left early
  CHECK(loop() == epoch_order(reference, 3));
  loader.start_epoch(7);
  CHECK(loop() == epoch_order(reference, 8));
}

TEST_CASE("loader: what a data set throws reaches the reader, in its place", "[datasets]") {
  const int prefetch = GENERATE(0, 1, 3);
  Loader loader(counting(20, 9), {.batch = 4, .prefetch = prefetch});
  for (int epoch = 0; epoch < 2; ++epoch) {
    loader.start_epoch(epoch);
    Batch batch;
    CHECK(loader.next(batch));
    CHECK(loader.next(batch));
    CHECK_THROWS_WITH(loader.next(batch), "[counting] this sample is broken");
    CHECK_THROWS_AS(loader.next(batch), Error);
  }
  CHECK(epoch_order(loader, 0, 3).size() == 8);  // behind the broken one all is well
  loader.start_epoch(0);                         // a failure nobody asked for is nobody's problem
  Batch batch;
  CHECK(loader.next(batch));
}

TEST_CASE("loader: batches come from the engine it was made with, and reuse its memory",
          "[datasets]") {
  const int prefetch = GENERATE(0, 2);
  Engine engine({.threads = 1}), other({.threads = 1});
  const DatasetPtr data = synthetic({.samples = 100, .shape = {16, 16, 1}});
  std::unique_ptr<Loader> loader;
  {
    EngineScope scope(engine);
    loader = std::make_unique<Loader>(data, LoaderOptions{.batch = 16, .prefetch = prefetch});
  }
  EngineScope scope(other);
  for (int epoch = 0; epoch < 50; ++epoch) {
    for (const auto& [images, labels] : *loader) CHECK(images.size() == labels.size() * 256);
  }
  // At most `prefetch` batches wait and one is in use: images and labels of each, in two sizes.
  CHECK(engine.buffers().stats().misses <= 2 * 2 * (prefetch + 1));
  CHECK(engine.buffers().stats().hits > 500);
  CHECK(engine.buffers().stats().bytes_in_use == 0);
  CHECK(other.buffers().stats().misses == 0);
}

TEST_CASE("loader: one data set serves loaders on several threads", "[datasets]") {
  const DatasetPtr data = counting(200);
  std::vector<std::vector<int>> orders(3);
  std::vector<std::thread> threads;
  for (auto& order : orders) {
    threads.emplace_back([&order, &data] {
      Engine engine({.threads = 1});
      EngineScope scope(engine);
      Loader loader(data, {.batch = 8, .shuffle = true});
      loader.start_epoch(4);
      Batch batch;
      while (loader.next(batch)) {
        for (int64_t i = 0; i < batch.labels.size(); ++i) {
          order.push_back(static_cast<int>(batch.images[2 * i]));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(sorted(orders[0]) == counting_up(200));
  CHECK(orders[1] == orders[0]);
  CHECK(orders[2] == orders[0]);
}

TEST_CASE("loader: impossible options are errors", "[datasets]") {
  CHECK_THROWS_WITH(Loader(nullptr), Contains("no samples"));
  CHECK_THROWS_WITH(Loader(counting(0)), Contains("no samples"));
  CHECK_THROWS_WITH(Loader(counting(5), {.batch = 0}), Contains("batch of 0"));
  CHECK_THROWS_WITH(Loader(counting(5), {.prefetch = -1}), Contains("-1"));
  CHECK_THROWS_WITH(Loader(counting(5), {.batch = 6, .drop_last = true}), Contains("drop_last"));
  Loader loader(counting(5), {.batch = 2});
  Batch batch;
  CHECK_THROWS_WITH(loader.next(batch), Contains("start_epoch"));
  CHECK_THROWS_WITH(loader.start_epoch(-1), Contains("epoch -1"));
  CHECK_THROWS_WITH(loader.start_epoch(0, 4), Contains("batch 4, it has 3"));
  CHECK_THROWS_WITH(loader.start_epoch(0, -1), Contains("batch -1"));
}

TEST_CASE("subset: parts of a data set, also of a part", "[datasets]") {
  const auto order = [](const DatasetPtr& data) {
    Loader loader(data, {.batch = 4});
    return epoch_order(loader, 0);
  };
  const DatasetPtr data = counting(20);
  CHECK(order(first_samples(data, 3)) == std::vector<int>{0, 1, 2});
  CHECK(order(last_samples(data, 3)) == std::vector<int>{17, 18, 19});
  CHECK(order(subset(data, {.begin = 5, .end = 7})) == std::vector<int>{5, 6});
  CHECK(order(last_samples(first_samples(data, 10), 2)) == std::vector<int>{8, 9});
  CHECK(order(first_samples(data, 20)) == counting_up(20));
  CHECK(first_samples(data, 3)->sample_shape() == data->sample_shape());
  CHECK(first_samples(data, 3)->classes() == 3);
  float pixels[2];
  CHECK_THROWS_WITH(first_samples(data, 3)->read(3, pixels), Contains("no sample 3"));
  CHECK_THROWS_WITH(first_samples(data, 3)->label(-1), Contains("no sample -1"));
  CHECK_THROWS_WITH(first_samples(data, 21), Contains("21") && Contains("20"));
  CHECK_THROWS_WITH(last_samples(data, 0), Contains("[subset]"));
  CHECK_THROWS_WITH(subset(data, {.begin = 4, .end = 4}), Contains("from 4 up to 4"));
  CHECK_THROWS_WITH(subset(data, {.begin = 4, .end = 21}), Contains("21"));
  CHECK_THROWS_WITH(first_samples(nullptr, 1), Contains("no data set"));
}

}  // namespace espalier::datasets
