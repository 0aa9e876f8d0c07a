#include "espalier/datasets/augmentation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <set>
#include <vector>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/datasets/loader.h"
#include "espalier/datasets/memory_dataset.h"
#include "espalier/datasets/synthetic.h"

namespace espalier::datasets {
namespace {

using Catch::Matchers::Contains;
using Pixels = std::vector<float>;

// Pixels 1, 2, 3, … of a picture that was not normalised: black is 0.
Pixels counting_up(const Shape& shape) {
  Pixels pixels(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<float>(i + 1);
  return pixels;
}

Pixels applied(const Augmenter& augmenter, const Pixels& picture, int epoch, int64_t sample) {
  Pixels result(picture.size(), -99.0f);
  augmenter.apply(picture.data(), result.data(), epoch, sample);
  return result;
}

// All that becomes of a picture.
std::set<Pixels> outcomes(const Augmenter& augmenter, const Pixels& picture) {
  std::set<Pixels> found;
  for (int64_t sample = 0; sample < 500; ++sample) {
    found.insert(applied(augmenter, picture, 0, sample));
  }
  return found;
}

// The images of the rest of a pass, one after the other.
Pixels rest(Loader& loader) {
  Pixels all;
  Batch batch;
  while (loader.next(batch)) {
    all.insert(all.end(), batch.images.values().begin(), batch.images.values().end());
  }
  return all;
}

Pixels epoch_of(Loader& loader, int epoch, int64_t first_batch = 0) {
  loader.start_epoch(epoch, first_batch);
  return rest(loader);
}

}  // namespace

TEST_CASE("augmentation: pad moves the picture over black, in all nine ways", "[datasets]") {
  const Shape shape{2, 3, 1};
  const Augmenter augmenter({.pad = 1}, shape, {}, 5);
  // 1 2 3
  // 4 5 6
  CHECK(outcomes(augmenter, counting_up(shape)) == std::set<Pixels>{{0, 0, 0, 0, 1, 2},
                                                                    {0, 0, 0, 1, 2, 3},
                                                                    {0, 0, 0, 2, 3, 0},
                                                                    {0, 1, 2, 0, 4, 5},
                                                                    {1, 2, 3, 4, 5, 6},
                                                                    {2, 3, 0, 5, 6, 0},
                                                                    {0, 4, 5, 0, 0, 0},
                                                                    {4, 5, 6, 0, 0, 0},
                                                                    {5, 6, 0, 0, 0, 0}});
}

TEST_CASE("augmentation: what is padded is black as the data set normalises it", "[datasets]") {
  const Normalisation normalisation{.mean = {0.5f, 0.25f}, .deviation = {0.5f, 0.125f}};
  const Shape shape{2, 2, 2};
  const Augmenter augmenter({.pad = 1}, shape, normalisation, 5);
  const std::set<Pixels> found = outcomes(augmenter, counting_up(shape));
  CHECK(found.size() == 9);
  CHECK(found.count({-1, -2, -1, -2, -1, -2, 1, 2}) == 1);
  CHECK(found.count({3, 4, -1, -2, 7, 8, -1, -2}) == 1);
}

TEST_CASE("augmentation: flip mirrors columns of whole pixels, half of the time", "[datasets]") {
  const Shape shape{2, 3, 2};
  const Pixels picture = counting_up(shape);
  const Pixels mirrored = {5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8};
  const Augmenter augmenter({.flip = true}, shape, {}, 5);
  CHECK(outcomes(augmenter, picture) == std::set<Pixels>{picture, mirrored});
  int flips = 0;
  for (int64_t i = 0; i < 10000; ++i) flips += applied(augmenter, picture, 3, i) == mirrored;
  CHECK(std::abs(flips - 5000) < 250);  // five standard deviations

  // Beside pad: a picture is moved first and then mirrored.
  const Augmenter both({.pad = 1, .flip = true}, {1 + 1, 3, 1}, {}, 5);
  const std::set<Pixels> found = outcomes(both, {1, 2, 3, 4, 5, 6});
  CHECK(found.size() == 18);
  CHECK(found.count({0, 3, 2, 0, 6, 5}) == 1);  // of {2, 3, 0, 5, 6, 0}
  CHECK(found.count({2, 1, 0, 5, 4, 0}) == 1);  // of {0, 1, 2, 0, 4, 5}
}

TEST_CASE("augmentation: cutout blanks a square that may hang over the border", "[datasets]") {
  SECTION("of side 2: rows and columns centre − 1 and centre") {
    const Shape shape{2, 3, 1};
    const Augmenter augmenter({.cutout = 2}, shape, {.mean = {0.5f}, .deviation = {0.5f}}, 5);
    CHECK(outcomes(augmenter, counting_up(shape)) == std::set<Pixels>{{0, 2, 3, 4, 5, 6},
                                                                      {0, 0, 3, 4, 5, 6},
                                                                      {1, 0, 0, 4, 5, 6},
                                                                      {0, 2, 3, 0, 5, 6},
                                                                      {0, 0, 3, 0, 0, 6},
                                                                      {1, 0, 0, 4, 0, 0}});
  }
  SECTION("of side 3: one on each side of the centre") {
    const Shape shape{3, 4, 1};
    const std::set<Pixels> found =
        outcomes(Augmenter({.cutout = 3}, shape, {}, 5), counting_up(shape));
    CHECK(found.size() == 12);
    CHECK(found.count({0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 12}) == 1);
    CHECK(found.count({1, 2, 3, 4, 0, 0, 7, 8, 0, 0, 11, 12}) == 1);
  }
  SECTION("all channels of a pixel") {
    const Shape shape{1, 2, 3};
    CHECK(outcomes(Augmenter({.cutout = 1}, shape, {}, 5), counting_up(shape)) ==
          std::set<Pixels>{{0, 0, 0, 4, 5, 6}, {1, 2, 3, 0, 0, 0}});
  }
}

TEST_CASE("augmentation: decided by seed, epoch and sample; each change for itself", "[datasets]") {
  const Shape shape{8, 8, 1};
  const Pixels picture = counting_up(shape);
  const Augmenter augmenter({.pad = 3, .flip = true}, shape, {}, 5);
  const Augmenter same({.pad = 3, .flip = true}, shape, {}, 5);
  const Augmenter other({.pad = 3, .flip = true}, shape, {}, 6);
  const Augmenter cut({.pad = 3, .flip = true, .cutout = 1}, shape, {}, 5);
  int epochs = 0, samples = 0, seeds = 0, pixels = 0;
  for (int64_t i = 0; i < 100; ++i) {
    const Pixels result = applied(augmenter, picture, 1, i);
    CHECK(result == applied(same, picture, 1, i));
    epochs += result != applied(augmenter, picture, 2, i);
    samples += result != applied(augmenter, picture, 1, i + 1);
    seeds += result != applied(other, picture, 1, i);
    const Pixels blanked = applied(cut, picture, 1, i);
    for (size_t p = 0; p < result.size(); ++p) pixels += result[p] != blanked[p];
  }
  CHECK(epochs > 90);
  CHECK(samples > 90);
  CHECK(seeds > 90);
  CHECK(pixels <= 100);  // the one that is cut out, and nothing moved
  CHECK(pixels > 50);
}

TEST_CASE("augmentation: in the loader it is exact however the pass is made", "[datasets]") {
  const DatasetPtr data = synthetic({.samples = 50, .shape = {8, 8, 3}});
  const LoaderOptions options{.batch = 8,
                              .shuffle = true,
                              .seed = 3,
                              .prefetch = 0,
                              .augment = {.pad = 2, .flip = true, .cutout = 3}};
  Loader loader(data, options);
  const Pixels first = epoch_of(loader, 0), second = epoch_of(loader, 1);
  CHECK(first.size() == 50 * 192);
  CHECK(epoch_of(loader, 0) == first);

  SECTION("prefetching") {
    LoaderOptions ahead_options = options;
    ahead_options.prefetch = 3;
    Loader ahead(data, ahead_options);
    CHECK(epoch_of(ahead, 0) == first);
    CHECK(epoch_of(ahead, 1) == second);
  }
  SECTION("resuming at a batch") {
    Loader resumed(data, options);
    CHECK(epoch_of(resumed, 1, 3) == Pixels(second.begin() + 3 * 8 * 192, second.end()));
  }
  SECTION("order and batches") {
    Loader in_order(data, {.batch = 50, .seed = 3, .augment = options.augment});
    Loader in_pairs(data, {.batch = 2, .seed = 3, .augment = options.augment});
    const Pixels ordered = epoch_of(in_order, 0);
    CHECK(epoch_of(in_pairs, 0) == ordered);
    std::set<Pixels> a, b;
    for (int64_t i = 0; i < 50; ++i) {
      a.insert(Pixels(ordered.begin() + i * 192, ordered.begin() + (i + 1) * 192));
      b.insert(Pixels(first.begin() + i * 192, first.begin() + (i + 1) * 192));
    }
    CHECK(a == b);
    CHECK(epoch_of(in_order, 1) != ordered);
  }
  SECTION("off") {
    Loader plain(data, {.batch = 50, .seed = 3});
    Pixels expected(50 * 192);
    for (int64_t i = 0; i < 50; ++i) data->read(i, expected.data() + i * 192);
    CHECK(epoch_of(plain, 0) == expected);
    CHECK(epoch_of(plain, 1) == expected);
  }
}

TEST_CASE("augmentation: a team makes the batches that one thread makes", "[datasets]") {
  // Pictures large enough to be shared out.
  const DatasetPtr data = synthetic({.samples = 50, .shape = {32, 32, 3}});
  const auto made_by = [&](int threads, std::optional<int> prefetch) {
    Engine engine({.threads = threads});
    EngineScope scope(engine);
    Loader loader(data, {.batch = 24,
                         .shuffle = true,
                         .seed = 3,
                         .prefetch = prefetch,
                         .augment = {.pad = 4, .flip = true, .cutout = 5}});
    return epoch_of(loader, 1);
  };
  const Pixels alone = made_by(1, 0);
  CHECK(made_by(3, 0) == alone);
  CHECK(made_by(3, 2) == alone);
  CHECK(made_by(3, {}) == alone);
  CHECK(made_by(1, {}) == alone);
}

TEST_CASE("augmentation: impossible options are errors", "[datasets]") {
  const DatasetPtr data = synthetic({.samples = 4, .shape = {6, 8, 1}});
  const auto loader = [&](const Augmentation& augment) { Loader(data, {.augment = augment}); };
  CHECK_THROWS_WITH(loader({.pad = -1}), Contains("pad is -1") && Contains("[0, 6)"));
  CHECK_THROWS_WITH(loader({.pad = 6}), Contains("pad is 6") && Contains("6×8×1"));
  CHECK_THROWS_WITH(loader({.cutout = -1}), Contains("cutout is -1"));
  CHECK_THROWS_WITH(loader({.cutout = 7}), Contains("cutout is 7") && Contains("[0, 6]"));
  CHECK_NOTHROW(loader({.pad = 5, .cutout = 6}));
}

}  // namespace espalier::datasets
