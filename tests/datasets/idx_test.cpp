#include "espalier/datasets/idx.h"

#include <catch2/catch.hpp>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/memory_dataset.h"
#include "idx_files.h"

namespace espalier::datasets {
namespace {

using Catch::Matchers::Contains;
using testing::Bytes;
using testing::content_of;
using testing::idx;
using testing::idx_images;
using testing::idx_labels;
using testing::TemporaryFolder;
using testing::write_gzip;
using testing::write_plain;

// The message of the error that reading these files ends with.
std::string complaint(const IdxFiles& files, const IdxOptions& options = {}) {
  try {
    read_idx(files, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("idx: pictures and labels come out as they were written", "[datasets]") {
  const TemporaryFolder folder;
  const bool compressed = GENERATE(false, true);
  const IdxFiles files{folder / "images", folder / "labels"};
  (compressed ? write_gzip : write_plain)(files.images, idx_images(3));
  (compressed ? write_gzip : write_plain)(files.labels, idx_labels({7, 0, 9}));
  const DatasetPtr data =
      read_idx(files, {.normalisation = {.mean = {0.25f}, .deviation = {0.5f}}});

  CHECK(data->size() == 3);
  CHECK(data->sample_shape() == Shape{2, 3, 1});
  CHECK(data->classes() == 10);
  CHECK(data->label(0) == 7);
  CHECK(data->label(1) == 0);
  CHECK(data->label(2) == 9);
  CHECK(data->normalisation().mean == std::vector<float>{0.25f});
  for (int64_t sample = 0; sample < 3; ++sample) {
    float pixels[6];
    data->read(sample, pixels);
    for (int i = 0; i < 6; ++i) {
      const double byte = static_cast<double>(sample) * 6 + i;
      CHECK(pixels[i] == Approx((byte / 255 - 0.25) / 0.5).margin(1e-7));
    }
  }
  float pixels[6];
  CHECK_THROWS_WITH(data->read(3, pixels), Contains("no sample 3"));
  CHECK_THROWS_WITH(data->label(-1), Contains("no sample -1"));
}

TEST_CASE("idx: open_idx finds the usual names", "[datasets]") {
  const TemporaryFolder folder;
  write_plain(folder / "train-images-idx3-ubyte", idx_images(2));
  write_gzip(folder / "train-labels-idx1-ubyte.gz", idx_labels({1, 2}));
  write_gzip(folder / "t10k-images.idx3-ubyte.gz", idx_images(1));
  write_plain(folder / "t10k-labels.idx1-ubyte", idx_labels({3}));
  CHECK(open_idx(folder.path(), Split::train)->size() == 2);
  CHECK(open_idx(folder.path(), Split::test)->label(0) == 3);
  CHECK(has_idx_images(folder.path(), Split::test));
}

TEST_CASE("idx: what is not there is named", "[datasets]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(
      open_idx(folder / "nowhere", Split::test),
      Contains("[idx]") && Contains("nowhere") && Contains("t10k-images-idx3-ubyte.gz"));
  CHECK_THROWS_WITH(open_idx(folder.path(), Split::train),
                    Contains(folder.path()) && Contains("train-images-idx3-ubyte, ") &&
                        Contains("train-images-idx3-ubyte.gz"));
  write_plain(folder / "train-images-idx3-ubyte", idx_images(2));
  CHECK_THROWS_WITH(open_idx(folder.path(), Split::train),
                    Contains(folder.path()) && Contains("train-labels-idx1-ubyte.gz"));
  CHECK_THAT(complaint({folder / "a", folder / "b"}),
             Contains(folder / "b") && Contains("No such"));
  CHECK_THAT(complaint({folder / "a", folder.path()}), Contains(folder.path()));
}

TEST_CASE("idx: every defect of a file is an error that names it", "[datasets]") {
  const TemporaryFolder folder;
  const bool compressed = GENERATE(false, true);
  const auto write = compressed ? write_gzip : write_plain;
  const IdxFiles files{folder / "the-images", folder / "the-labels"};
  write(files.images, idx_images(3));
  write(files.labels, idx_labels({1, 2, 3}));
  REQUIRE(complaint(files) == "no error");

  SECTION("wrong magic number") {
    CHECK_THAT(complaint({files.labels, files.labels}),
               Contains(files.labels) && Contains("0x00000801") && Contains("0x00000803"));
    write(files.labels, {'<', 'h', 't', 'm', 'l', '>', '\n', '\n', '\n'});
    CHECK_THAT(complaint(files), Contains(files.labels) && Contains("magic number"));
  }
  SECTION("no header, or half of one") {
    write(files.labels, {});
    CHECK_THAT(complaint(files), Contains(files.labels) && Contains("truncated"));
    write(files.labels, {0, 0, 8, 1, 0});
    CHECK_THAT(complaint(files), Contains(files.labels) && Contains("truncated"));
  }
  SECTION("fewer values than announced") {
    Bytes bytes = idx_images(3);
    bytes.pop_back();
    write(files.images, bytes);
    CHECK_THAT(complaint(files),
               Contains(files.images) && Contains("truncated") && Contains("17 bytes"));
  }
  SECTION("more values than announced") {
    Bytes bytes = idx_images(3);
    bytes.push_back(0);
    write(files.images, bytes);
    CHECK_THAT(complaint(files), Contains(files.images) && Contains("trailing"));
    bytes = idx_labels({1, 2, 3});
    bytes.push_back(0);
    write(files.labels, bytes);
    CHECK_THAT(complaint(files), Contains(files.labels) && Contains("trailing"));
  }
  SECTION("extents that no memory holds") {
    write(files.images, idx(0x803, {3, 0xffffffff, 0xffffffff}, Bytes(18)));
    CHECK_THAT(complaint(files), Contains(files.images) && Contains("truncated"));
    write(files.labels, idx(0x801, {0xffffffff}, {1}));
    CHECK_THAT(complaint(files), Contains(files.labels) && Contains("truncated"));
  }
  SECTION("no pictures, or pictures without pixels") {
    write(files.images, idx(0x803, {3, 0, 2}, {}));
    CHECK_THAT(complaint(files), Contains(files.images) && Contains("3×0"));
    write(files.labels, idx(0x801, {0}, {}));
    CHECK_THAT(complaint(files), Contains(files.labels) && Contains("empty"));
  }
  SECTION("another number of labels than of pictures") {
    write(files.labels, idx_labels({1, 2}));
    CHECK_THAT(complaint(files), Contains(files.images) && Contains(files.labels) &&
                                     Contains("3 pictures") && Contains("2 labels"));
  }
  SECTION("a label beyond the classes") {
    write(files.labels, idx_labels({1, 10, 3}));
    CHECK_THAT(complaint(files), Contains(files.labels) && Contains("sample 1") && Contains("10"));
    CHECK(complaint(files, {.classes = 11}) == "no error");
    CHECK_THAT(complaint(files, {.classes = 257}), Contains("257"));
  }
}

TEST_CASE("idx: a damaged compressed file is an error that names it", "[datasets]") {
  const TemporaryFolder folder;
  const IdxFiles files{folder / "images.gz", folder / "labels.gz"};
  // Random enough not to compress, so that cutting and flipping hit the data.
  Bytes values(60 * 50);
  uint32_t state = 1;
  for (uint8_t& value : values)
    value = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  write_gzip(files.images, idx(0x803, {60, 10, 5}, values));
  write_gzip(files.labels, idx_labels(Bytes(60, 1)));
  REQUIRE(complaint(files) == "no error");
  const Bytes whole = content_of(files.images);
  REQUIRE(whole.size() > 2000);

  for (const size_t length :
       {size_t{20}, whole.size() / 2, whole.size() - 9, whole.size() - 4, whole.size() - 1}) {
    CAPTURE(length);
    write_plain(files.images,
                Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    CHECK_THAT(complaint(files), Contains(files.images) && Contains("truncated"));
  }
  for (const Bytes& rubbish : {Bytes{0}, Bytes{'x', 'y', 'z'}, Bytes(1 << 20, 'x')}) {
    Bytes longer = whole;
    longer.insert(longer.end(), rubbish.begin(), rubbish.end());
    write_plain(files.images, longer);
    CHECK_THAT(complaint(files), Contains(files.images) && Contains("trailing"));
  }
  for (const size_t position : {whole.size() / 2, whole.size() - 8, whole.size() - 3}) {
    CAPTURE(position);
    Bytes flipped = whole;
    flipped[position] ^= 0x10;
    write_plain(files.images, flipped);
    CHECK_THAT(complaint(files), Contains(files.images) && Contains("damaged"));
  }
}

TEST_CASE("idx: a compressed file may consist of several pieces", "[datasets]") {
  const TemporaryFolder folder;
  const IdxFiles files{folder / "images", folder / "labels.gz"};
  write_plain(files.images, idx_images(3));
  const Bytes labels = idx_labels({7, 0, 9});
  write_gzip(folder / "front", Bytes(labels.begin(), labels.begin() + 9));
  write_gzip(folder / "back", Bytes(labels.begin() + 9, labels.end()));
  Bytes both = content_of(folder / "front");
  const Bytes back = content_of(folder / "back");
  both.insert(both.end(), back.begin(), back.end());
  write_plain(files.labels, both);
  CHECK(read_idx(files)->label(2) == 9);
  both[content_of(folder / "front").size() + 1] = 0;  // no longer gzip's magic number
  write_plain(files.labels, both);
  CHECK_THAT(complaint(files), Contains(files.labels) && Contains("damaged"));
}

TEST_CASE("memory dataset: channels are normalised one by one, mistakes are errors", "[datasets]") {
  Pictures pictures{.sample_shape = {1, 2, 3},
                    .pixels = {0, 51, 102, 153, 204, 255},
                    .labels = {1},
                    .classes = 2,
                    .normalisation = {.mean = {0.0f, 0.5f, 1.0f}, .deviation = {1.0f, 2.0f, 0.5f}}};
  float pixels[6];
  MemoryDataset(pictures).read(0, pixels);
  const double expected[6] = {0.0, -0.15, -1.2, 0.6, 0.15, 0.0};
  for (int i = 0; i < 6; ++i) CHECK(pixels[i] == Approx(expected[i]).margin(1e-6));

  SECTION("one value serves all channels, none leaves 0 … 1") {
    pictures.normalisation = {.mean = {0.2f}, .deviation = {}};
    MemoryDataset(pictures).read(0, pixels);
    for (int i = 0; i < 6; ++i) CHECK(pixels[i] == Approx(0.2 * i - 0.2).margin(1e-6));
  }
  SECTION("wrong label") {
    pictures.labels = {2};
    CHECK_THROWS_WITH(MemoryDataset(pictures), Contains("label 2 of sample 0"));
  }
  SECTION("wrong count") {
    pictures.labels = {0, 1};
    CHECK_THROWS_WITH(MemoryDataset(pictures), Contains("6 bytes are not 2 pictures of 1×2×3"));
  }
  SECTION("wrong shape") {
    pictures.sample_shape = {2, 3};
    CHECK_THROWS_WITH(MemoryDataset(pictures), Contains("2×3"));
  }
  SECTION("wrong number of names") {
    pictures.class_names = {"one", "two"};
    CHECK(MemoryDataset(pictures).class_names() == std::vector<std::string>{"one", "two"});
    pictures.class_names.push_back("three");
    CHECK_THROWS_WITH(MemoryDataset(pictures), Contains("3 names for 2 classes"));
  }
  SECTION("wrong normalisation") {
    pictures.normalisation.mean = {0.1f, 0.2f};
    CHECK_THROWS_WITH(MemoryDataset(pictures), Contains("2 values for 3 channels"));
    pictures.normalisation = {.mean = {}, .deviation = {0.0f}};
    CHECK_THROWS_WITH(MemoryDataset(pictures), Contains("above 0"));
  }
}

}  // namespace espalier::datasets
