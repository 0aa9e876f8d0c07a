#include "espalier/datasets/cifar.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/subset.h"
#include "support/files.h"

namespace espalier::datasets {
namespace {

using Catch::Matchers::Contains;
using testing::Bytes;
using testing::CurrentFolder;
using testing::TemporaryFolder;
using testing::write_plain;

// A record whose byte i of plane c is (i + 50·c) mod 251, after the label bytes.
Bytes record(const Bytes& labels) {
  Bytes bytes = labels;
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < 1024; ++i) bytes.push_back(static_cast<uint8_t>((i + 50 * c) % 251));
  }
  return bytes;
}

void append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

void write_text(const std::string& path, const std::string& text) {
  write_plain(path, Bytes(text.begin(), text.end()));
}

const std::string ten_names =
    "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n";

// Batch i of training has two records, of classes i and i + 5; the test batch has one, of class 9.
void write_cifar10(const std::string& folder) {
  for (uint8_t i = 0; i < 5; ++i) {
    Bytes bytes = record({i});
    append(bytes, record({static_cast<uint8_t>(i + 5)}));
    write_plain(folder + "/data_batch_" + std::to_string(i + 1) + ".bin", bytes);
  }
  write_plain(folder + "/test_batch.bin", record({9}));
  write_text(folder + "/batches.meta.txt", ten_names + "\n");
}

std::string complaint(const std::string& folder, Split split) {
  try {
    cifar10(folder, split);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("cifar10: planes become channels, batches follow each other", "[datasets]") {
  const TemporaryFolder folder;
  write_cifar10(folder.path());
  const DatasetPtr train = cifar10(folder.path(), Split::train);
  CHECK(train->size() == 10);
  CHECK(train->sample_shape() == Shape{32, 32, 3});
  CHECK(train->classes() == 10);
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < 10; ++i) labels.push_back(train->label(i));
  CHECK(labels == std::vector<int32_t>{0, 5, 1, 6, 2, 7, 3, 8, 4, 9});
  CHECK(train->class_names().size() == 10);
  CHECK(train->class_names()[9] == "truck");
  CHECK(last_samples(train, 2)->class_names()[0] == "airplane");

  std::vector<float> pixels(3072);
  cifar10(folder.path(), Split::test)->read(0, pixels.data());
  const double mean[] = {0.4914, 0.4822, 0.4465}, deviation[] = {0.2470, 0.2435, 0.2616};
  for (const size_t pixel : {0u, 1u, 32u, 250u, 251u, 1023u}) {
    for (size_t c = 0; c < 3; ++c) {
      const double byte = static_cast<double>((pixel + 50 * c) % 251);
      CHECK(pixels[3 * pixel + c] == Approx((byte / 255 - mean[c]) / deviation[c]).margin(1e-6));
    }
  }
}

TEST_CASE("cifar10: where it is looked for", "[datasets]") {
  const TemporaryFolder folder;
  const std::string place =
      GENERATE("", "cifar-10-batches-bin", "cifar10", "cifar10/cifar-10-batches-bin");
  write_cifar10(folder / place);
  CHECK(cifar10(folder.path(), Split::train)->size() == 10);
  CHECK(cifar10(folder.path(), Split::test)->label(0) == 9);
  if (!place.empty()) {
    write_cifar10(folder / ("data/" + place));
    const CurrentFolder current(folder.path());
    CHECK(cifar10("", Split::test)->size() == 1);
  }
}

TEST_CASE("cifar10: every defect of a file is an error that names it", "[datasets]") {
  const TemporaryFolder folder;
  CHECK_THAT(complaint(folder / "none", Split::train),
             Contains("[cifar10]") && Contains(folder / "none/cifar-10-batches-bin") &&
                 Contains("data_batch_1.bin") && Contains("get-data") && Contains("--data DIR"));
  write_cifar10(folder.path());
  REQUIRE(complaint(folder.path(), Split::train) == "no error");
  const std::string batch = folder / "data_batch_3.bin";

  SECTION("a batch is missing") {
    std::filesystem::remove(batch);
    CHECK_THAT(complaint(folder.path(), Split::train), Contains(batch) && Contains("No such"));
  }
  SECTION("half a record") {
    Bytes bytes = record({1});
    append(bytes, Bytes(100, 1));
    write_plain(batch, bytes);
    CHECK_THAT(complaint(folder.path(), Split::train),
               Contains(batch) && Contains("truncated") && Contains("record 1 has 100 bytes"));
  }
  SECTION("nothing at all") {
    write_plain(batch, {});
    CHECK_THAT(complaint(folder.path(), Split::train), Contains(batch) && Contains("truncated"));
  }
  SECTION("a label that is none") {
    write_plain(batch, record({10}));
    CHECK_THAT(complaint(folder.path(), Split::train),
               Contains(batch) && Contains("record 0") && Contains("label 10"));
  }
  SECTION("names") {
    write_text(folder / "batches.meta.txt", "cat\ndog\n");
    CHECK_THAT(complaint(folder.path(), Split::test),
               Contains("batches.meta.txt") && Contains("names of 2 classes"));
    std::filesystem::remove(folder / "batches.meta.txt");
    CHECK(cifar10(folder.path(), Split::test)->class_names().empty());
  }
}

TEST_CASE("cifar100: the fine label counts", "[datasets]") {
  const TemporaryFolder folder;
  Bytes bytes = record({3, 42});
  append(bytes, record({19, 99}));
  write_plain(folder / "cifar-100-binary/train.bin", bytes);
  std::string names;
  for (int i = 0; i < 100; ++i) names += "class" + std::to_string(i) + "\r\n";
  write_text(folder / "cifar-100-binary/fine_label_names.txt", names);
  const DatasetPtr data = cifar100(folder.path(), Split::train);
  CHECK(data->size() == 2);
  CHECK(data->classes() == 100);
  CHECK(data->label(0) == 42);
  CHECK(data->label(1) == 99);
  CHECK(data->class_names()[99] == "class99");
  std::vector<float> pixels(3072);
  data->read(1, pixels.data());
  CHECK(pixels[0] == Approx(-0.5071 / 0.2673));
  CHECK(pixels[5] == Approx((101 / 255.0 - 0.4409) / 0.2762));

  write_plain(folder / "cifar-100-binary/train.bin", record({20, 42}));
  CHECK_THROWS_WITH(cifar100(folder.path(), Split::train), Contains("train.bin") && Contains("20"));
  write_plain(folder / "cifar-100-binary/train.bin", record({3, 100}));
  CHECK_THROWS_WITH(cifar100(folder.path(), Split::train), Contains("label 100"));
  CHECK_THROWS_WITH(cifar100(folder.path(), Split::test), Contains("test.bin"));
}

TEST_CASE("cifar10: the whole data set", "[datasets]") {
  const char* folder = std::getenv("ESPALIER_CIFAR10");
  if (!folder) {
    WARN("skipped: set ESPALIER_CIFAR10 to the folder with CIFAR-10's binary files");
    return;
  }
  const DatasetPtr train = cifar10(folder, Split::train), test = cifar10(folder, Split::test);
  CHECK(train->size() == 50000);
  CHECK(test->size() == 10000);
  CHECK(train->class_names()[6] == "frog");
  std::vector<float> pixels(3072);
  std::vector<double> sum(3), squares(3);
  std::vector<int> count(10);
  for (int64_t i = 0; i < train->size(); ++i) {
    train->read(i, pixels.data());
    for (size_t p = 0; p < pixels.size(); ++p) {
      sum[p % 3] += pixels[p];
      squares[p % 3] += double{pixels[p]} * pixels[p];
    }
    ++count[static_cast<size_t>(train->label(i))];
  }
  CHECK(count == std::vector<int>(10, 5000));
  // Also copies that went through a lossy format once are near.
  const double total = 50000.0 * 1024;
  for (size_t c = 0; c < 3; ++c) {
    CHECK(std::abs(sum[c] / total) < 0.01);
    CHECK(std::sqrt(squares[c] / total) == Approx(1.0).margin(0.02));
  }
}

}  // namespace espalier::datasets
