#include "espalier/datasets/mnist.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/subset.h"
#include "idx_files.h"

namespace espalier::datasets {
namespace {

using Catch::Matchers::Contains;
using testing::CurrentFolder;
using testing::TemporaryFolder;

// Properties of the published files: counts, classes, and that the normalisation is the right one.
void check_published(const Dataset& train, const Dataset& test, int64_t train_per_class) {
  CHECK(train.size() == 60000);
  CHECK(test.size() == 10000);
  CHECK(train.sample_shape() == Shape{28, 28, 1});
  CHECK(train.classes() == 10);
  std::vector<float> pixels(28 * 28);
  std::vector<int64_t> count(10);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < train.size(); ++i) {
    train.read(i, pixels.data());
    for (const float pixel : pixels) {
      sum += pixel;
      squares += double{pixel} * pixel;
    }
    ++count[static_cast<size_t>(train.label(i))];
  }
  const double mean = sum / (60000.0 * 784);
  CHECK(std::abs(mean) < 1e-3);
  CHECK(std::sqrt(squares / (60000.0 * 784) - mean * mean) == Approx(1.0).margin(1e-3));
  CHECK(count[0] == train_per_class);
}

// One picture for each split, under the usual names.
void write_small(const std::string& folder) {
  for (const std::string split : {"train", "t10k"}) {
    testing::write_plain(folder + "/" + split + "-images-idx3-ubyte", testing::idx_images(1));
    testing::write_plain(folder + "/" + split + "-labels-idx1-ubyte", testing::idx_labels({4}));
  }
}

}  // namespace

TEST_CASE("mnist: the folder itself, a subfolder with its name, or data/mnist", "[datasets]") {
  const TemporaryFolder folder;
  SECTION("the folder itself") {
    write_small(folder.path());
    const DatasetPtr data = mnist(folder.path(), Split::test);
    CHECK(data->label(0) == 4);
    CHECK(data->class_names()[4] == "4");
    CHECK(first_samples(data, 1)->class_names() == data->class_names());
    float pixels[6];
    data->read(0, pixels);
    CHECK(pixels[0] == Approx(-0.1307 / 0.3081));
  }
  SECTION("a subfolder") {
    write_small(folder / "mnist");
    write_small(folder / "FashionMNIST/raw");
    CHECK(mnist(folder.path(), Split::train)->size() == 1);
    float pixels[6];
    fashion_mnist(folder.path(), Split::train)->read(0, pixels);
    CHECK(fashion_mnist(folder.path(), Split::train)->class_names()[9] == "Ankle boot");
    CHECK(pixels[0] == Approx(-0.2860 / 0.3530));
  }
  SECTION("data/mnist and data/fashion-mnist where the program runs") {
    write_small(folder / "data/mnist");
    write_small(folder / "data/fashion-mnist");
    const CurrentFolder current(folder.path());
    CHECK(mnist("", Split::train)->size() == 1);
    CHECK(fashion_mnist("", Split::train)->size() == 1);
  }
  SECTION("nowhere: the error says where was looked and what to do") {
    const CurrentFolder current(folder.path());
    CHECK_THROWS_WITH(mnist("", Split::train), Contains("[mnist]") && Contains("data/mnist") &&
                                                   Contains("--data DIR") &&
                                                   Contains("train-images-idx3-ubyte"));
    CHECK_THROWS_WITH(mnist(folder.path(), Split::test),
                      Contains(folder.path() + " or ") && Contains("test pictures"));
    CHECK_THROWS_WITH(fashion_mnist(folder / "no", Split::train),
                      Contains(folder / "no") && Contains("package dataset-fashion-mnist"));
  }
  SECTION("half a data set names the file that is missing") {
    write_small(folder.path());
    std::filesystem::remove(folder / "train-labels-idx1-ubyte");
    CHECK_THROWS_WITH(mnist(folder.path(), Split::train),
                      Contains(folder.path()) && Contains("train-labels-idx1-ubyte"));
  }
}

TEST_CASE("mnist: the published files", "[datasets]") {
  const char* folder = std::getenv("ESPALIER_MNIST");
  if (!folder) {
    WARN("skipped: set ESPALIER_MNIST to the folder with MNIST's four files");
    return;
  }
  check_published(*mnist(folder, Split::train), *mnist(folder, Split::test), 5923);
}

TEST_CASE("fashion-mnist: the published files", "[datasets]") {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    WARN("skipped: the Debian package dataset-fashion-mnist is not installed");
    return;
  }
  check_published(*fashion_mnist("", Split::train), *fashion_mnist("", Split::test), 6000);
}

}  // namespace espalier::datasets
