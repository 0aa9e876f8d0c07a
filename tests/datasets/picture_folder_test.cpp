#include "espalier/datasets/picture_folder.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <map>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/picture_file.h"
#include "picture_files.h"

namespace espalier::datasets {
namespace {

using Catch::Matchers::Contains;
using testing::Bytes;
using testing::content_of;
using testing::CurrentFolder;
using testing::plain_picture;
using testing::TemporaryFolder;
using testing::write_example_folder;
using testing::write_plain;
using testing::write_png;

Bytes read(const std::string& path, const Shape& shape) {
  Bytes pixels(static_cast<size_t>(shape.elements()));
  read_picture(path, shape, pixels.data());
  return pixels;
}

std::string complaint(const std::string& folder, const PictureFolderOptions& options = {}) {
  try {
    picture_folder(folder, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The grey of each sample, as a byte again: pictures in these tests are of one value each.
std::vector<int> greys(const Dataset& data) {
  std::vector<int> result;
  std::vector<float> pixels(static_cast<size_t>(data.sample_shape().elements()));
  const Normalisation& norm = data.normalisation();
  for (int64_t i = 0; i < data.size(); ++i) {
    data.read(i, pixels.data());
    const double value = double{pixels[0]} * norm.deviation[0] + norm.mean[0];
    result.push_back(static_cast<int>(std::lround(255 * value)));
  }
  return result;
}

// 60 pictures of two classes, each of another grey: cats are even, dogs are odd.
void write_sixty(const std::string& folder) {
  for (int i = 0; i < 60; ++i) {
    const std::string place = folder + (i % 2 == 0 ? "/cat/" : "/dog/");
    write_png(place + std::to_string(i) + ".png", {2, 2, 1},
              plain_picture({2, 2, 1}, static_cast<uint8_t>(i)));
  }
}

constexpr PictureFolderOptions tiny = {
    .height = 2, .width = 2, .channels = 1, .test_fraction = 0.3};

}  // namespace

TEST_CASE("picture file: formats, told by content", "[datasets]") {
  const TemporaryFolder folder;
  const Bytes colours = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30};
  write_png(folder / "a.png", {2, 2, 3}, colours);
  CHECK(read(folder / "a.png", {2, 2, 3}) == colours);
  // Luminance of red, green, blue: 77, 150 and 29 of 256.
  CHECK(read(folder / "a.png", {2, 2, 1}) == Bytes{76, 149, 28, 18});

  const std::string header = "P5\n3 1\n255\n";
  Bytes grey(header.begin(), header.end());
  grey.insert(grey.end(), {5, 6, 7});
  write_plain(folder / "b.pgm", grey);
  CHECK(read(folder / "b.pgm", {1, 3, 1}) == Bytes{5, 6, 7});
  CHECK(read(folder / "b.pgm", {1, 3, 3}) == Bytes{5, 5, 5, 6, 6, 6, 7, 7, 7});

  CHECK(has_picture_name("x/y.JPeG"));
  CHECK(has_picture_name("y.ppm"));
  CHECK_FALSE(has_picture_name("y.txt"));
  CHECK_FALSE(has_picture_name("png"));
}

TEST_CASE("picture file: shrinks by averaging, grows by interpolation", "[datasets]") {
  const TemporaryFolder folder;
  write_png(folder / "edge.png", {1, 4, 1}, {0, 0, 200, 200});
  // To half the size: a triangle of width ±2 pixels, weights 1 3 3 1 of 8, the border repeated.
  CHECK(read(folder / "edge.png", {1, 2, 1}) == Bytes{25, 175});
  // To twice the size: new pixels lie at ±1/4 of the old ones.
  write_png(folder / "pair.png", {1, 2, 1}, {0, 200});
  CHECK(read(folder / "pair.png", {1, 4, 1}) == Bytes{0, 50, 150, 200});
  // Stripes of one pixel come out grey, and not as other stripes.
  Bytes stripes;
  for (int i = 0; i < 64; ++i) stripes.push_back(i % 2 == 0 ? 0 : 200);
  write_png(folder / "stripes.png", {1, 64, 1}, stripes);
  for (const uint8_t value : read(folder / "stripes.png", {1, 8, 1}))
    CHECK(std::abs(value - 100) < 20);
}

TEST_CASE("picture file: what cannot be decoded is an error that names it", "[datasets]") {
  const TemporaryFolder folder;
  const std::string path = folder / "it.png";
  const auto error = [&](const Bytes& bytes) {
    write_plain(path, bytes);
    CHECK_THROWS_WITH(read(path, {4, 4, 3}), Contains("[picture]") && Contains(path));
  };
  error({});
  error({'n', 'o', ' ', 'p', 'i', 'c', 't', 'u', 'r', 'e'});
  error(Bytes(1000, 'x'));
  write_example_folder(folder.path(), 1, 1);
  const Bytes png = content_of(folder / "a/0.png");
  for (const size_t length : {size_t{8}, size_t{40}, png.size() / 2, png.size() - 5}) {
    error(Bytes(png.begin(), png.begin() + static_cast<std::ptrdiff_t>(length)));
  }
  const std::string header = "P5\n300 10\n255\n";
  for (const int values : {0, 100, 2900, 2999}) {
    Bytes grey(header.begin(), header.end());
    grey.resize(grey.size() + static_cast<size_t>(values));
    error(grey);
  }
  CHECK_THROWS_WITH(read(folder / "none.png", {4, 4, 3}), Contains("none.png"));
  CHECK_THROWS_WITH(read(folder / "a/0.png", {4, 4, 2}), Contains("4×4×2"));
}

TEST_CASE("picture folder: classes are folders, the halves share everything", "[datasets]") {
  const TemporaryFolder folder;
  write_example_folder(folder.path(), 3, 40);
  write_plain(folder / "README.txt", {'x'});
  write_plain(folder / "a/notes.txt", {'x'});
  write_plain(folder / "a/.hidden.png", {'x'});
  write_plain(folder / ".cache/x.png", {'x'});
  std::filesystem::create_directories(folder / "b/more");
  std::filesystem::rename(folder / "b/0.png", folder / "b/more/0.PNG");
  const PictureFolder data = picture_folder(folder.path(), {.height = 6, .width = 5});
  CHECK(data.train->size() + data.test->size() == 120);
  CHECK(data.train->sample_shape() == Shape{6, 5, 3});
  CHECK(data.train->classes() == 3);
  CHECK(data.train->class_names() == std::vector<std::string>{"a", "b", "c"});
  CHECK(data.test->class_names() == data.train->class_names());
  CHECK(picture_classes(folder.path()) == data.train->class_names());
  CHECK(data.test->normalisation().mean == data.train->normalisation().mean);
  // 120 pictures, each for testing with probability 0.2: 24 ± 4.4.
  CHECK(std::abs(data.test->size() - 24) < 20);

  std::vector<float> pixels(90);
  std::vector<double> sum(3), squares(3);
  std::map<int32_t, int> count;
  for (int64_t i = 0; i < data.train->size(); ++i) {
    data.train->read(i, pixels.data());
    double mean = 0;
    for (size_t p = 0; p < pixels.size(); ++p) {
      sum[p % 3] += pixels[p];
      squares[p % 3] += double{pixels[p]} * pixels[p];
      mean += pixels[p] / 90.0;
    }
    ++count[data.train->label(i)];
    // Normalised, the classes' greys are about −1.2, 0 and 1.2.
    CHECK(std::abs(mean - 1.2 * (data.train->label(i) - 1)) < 0.4);
  }
  CHECK(count.size() == 3);
  const double total = static_cast<double>(data.train->size()) * 30;
  for (size_t c = 0; c < 3; ++c) {
    CHECK(std::abs(sum[c] / total) < 1e-5);
    CHECK(std::sqrt(squares[c] / total) == Approx(1.0).margin(1e-5));
  }
}

TEST_CASE("picture folder: each name decides for itself on which half it is", "[datasets]") {
  const TemporaryFolder folder;
  write_sixty(folder.path());
  const PictureFolder data = picture_folder(folder.path(), tiny);
  const std::vector<int> train = greys(*data.train), test = greys(*data.test);
  CHECK(train.size() + test.size() == 60);
  CHECK(std::abs(static_cast<int>(test.size()) - 18) < 12);
  for (int64_t i = 0; i < data.train->size(); ++i) {
    CHECK(data.train->label(i) == train[static_cast<size_t>(i)] % 2);
  }
  // Every stretch has both classes.
  int dogs = 0;
  for (size_t i = 0; i < 16; ++i) dogs += train[i] % 2;
  CHECK(dogs > 2);
  CHECK(dogs < 14);

  SECTION("the same however the folder is named") {
    CHECK(greys(*picture_folder(folder.path() + "/", tiny).test) == test);
    CHECK(greys(*picture_folder(folder / "cat/../", tiny).test) == test);
    const CurrentFolder current(folder.path());
    CHECK(greys(*picture_folder(".", tiny).train) == train);
  }
  SECTION("new pictures move no others, nor change their order") {
    for (int i = 60; i < 90; ++i) {
      write_png(folder / ("cat/" + std::to_string(i) + ".png"), {2, 2, 1},
                plain_picture({2, 2, 1}, static_cast<uint8_t>(i)));
    }
    const PictureFolder more = picture_folder(folder.path(), tiny);
    const auto without_new = [](const std::vector<int>& all) {
      std::vector<int> old;
      for (const int grey : all) {
        if (grey < 60) old.push_back(grey);
      }
      return old;
    };
    CHECK(greys(*more.train).size() > train.size());
    CHECK(without_new(greys(*more.train)) == train);
    CHECK(without_new(greys(*more.test)) == test);
  }
  SECTION("another seed, another split; a larger fraction, more of the same") {
    PictureFolderOptions options = tiny;
    options.split_seed = 1;
    CHECK(greys(*picture_folder(folder.path(), options).test) != test);
    options = tiny;
    options.test_fraction = 0.6;
    const std::vector<int> larger = greys(*picture_folder(folder.path(), options).test);
    for (const int grey : test) CHECK(std::count(larger.begin(), larger.end(), grey) == 1);
    options.test_fraction = 0;
    CHECK(picture_folder(folder.path(), options).train->size() == 60);
    CHECK(picture_folder(folder.path(), options).test->size() == 0);
  }
}

TEST_CASE("picture folder: train and test may be folders", "[datasets]") {
  const TemporaryFolder folder;
  const std::string second = GENERATE("test", "val");
  write_png(folder / "train/cat/1.png", {2, 2, 1}, plain_picture({2, 2, 1}, 100));
  write_png(folder / "train/dog/1.png", {2, 2, 1}, plain_picture({2, 2, 1}, 200));
  write_png(folder / (second + "/dog/2.png"), {2, 2, 1}, plain_picture({2, 2, 1}, 0));
  const PictureFolder data = picture_folder(folder.path(), tiny);
  CHECK(data.train->size() == 2);
  CHECK(data.test->size() == 1);
  CHECK(data.test->label(0) == 1);
  CHECK(data.train->class_names() == std::vector<std::string>{"cat", "dog"});
  CHECK(picture_classes(folder.path()) == std::vector<std::string>{"cat", "dog"});
  // Of the training pictures alone: mean 150, deviation 50.
  CHECK(data.test->normalisation().mean[0] == Approx(150 / 255.0));
  float pixels[4];
  data.test->read(0, pixels);
  CHECK(pixels[0] == Approx(-3.0));

  write_png(folder / (second + "/cow/3.png"), {2, 2, 1}, plain_picture({2, 2, 1}, 0));
  CHECK_THAT(complaint(folder.path(), tiny),
             Contains(folder / (second + "/cow")) && Contains(folder / "train/cow"));
}

TEST_CASE("picture folder: every mistake is an error that names the place", "[datasets]") {
  const TemporaryFolder folder;
  CHECK_THAT(complaint(folder / "none"),
             Contains("[picture folder]") && Contains("no folder") && Contains(folder / "none"));
  write_plain(folder / "file", {'x'});
  CHECK_THAT(complaint(folder / "file"), Contains(folder / "file") && Contains("is a file"));
  CHECK_THAT(complaint(folder.path()), Contains(folder.path()) && Contains("no folders"));
  write_sixty(folder / "one/level");
  CHECK_THAT(complaint(folder / "one"), Contains("the one folder level"));
  CHECK_THROWS_WITH(picture_classes(folder / "one"), Contains("the one folder level"));
  CHECK_THROWS_WITH(picture_classes(folder / "file"), Contains("is a file"));

  const std::string pets = folder / "one/level";
  REQUIRE(complaint(pets, tiny) == "no error");
  SECTION("a class without pictures") {
    write_plain(pets + "/cow/readme.txt", {'x'});
    CHECK_THAT(complaint(pets, tiny), Contains(pets + "/cow") && Contains("no pictures"));
  }
  SECTION("a picture outside of a class") {
    write_png(pets + "/stray.png", {2, 2, 1}, plain_picture({2, 2, 1}, 0));
    CHECK_THAT(complaint(pets, tiny), Contains(pets + "/stray.png") && Contains("outside"));
  }
  SECTION("a picture that is none") {
    write_plain(pets + "/dog/31.png", {'x'});
    CHECK_THAT(complaint(pets, tiny), Contains(pets + "/dog/31.png"));
  }
  SECTION("too many pictures for the memory") {
    PictureFolderOptions options = tiny;
    options.memory_limit = 239;
    CHECK_THAT(complaint(pets, options), Contains("60 pictures") && Contains("limit"));
    options.memory_limit = 240;
    CHECK(complaint(pets, options) == "no error");
  }
  SECTION("a split that leaves nothing") {
    PictureFolderOptions options = tiny;
    options.test_fraction = 0.9999;
    CHECK_THAT(complaint(pets, options), Contains(pets + "/cat") && Contains("for testing"));
    options.test_fraction = 1e-6;
    CHECK_THAT(complaint(pets, options), Contains("none of the 60"));
  }
  SECTION("options") {
    CHECK_THAT(complaint(pets, {.height = 0}), Contains("0×32"));
    CHECK_THAT(complaint(pets, {.width = 1 << 20}), Contains("16384"));
    CHECK_THAT(complaint(pets, {.channels = 2}), Contains("2 channels"));
    CHECK_THAT(complaint(pets, {.test_fraction = 1}), Contains("[0, 1)"));
    CHECK_THAT(complaint(pets, {.test_fraction = std::nan("")}), Contains("nan"));
  }
}

TEST_CASE("picture folder: a channel that never changes is normalised to zero", "[datasets]") {
  const TemporaryFolder folder;
  for (const std::string name : {"a/1.png", "b/1.png"}) {
    write_png(folder / name, {2, 2, 1}, plain_picture({2, 2, 1}, 80));
  }
  PictureFolderOptions options = tiny;
  options.test_fraction = 0;
  float pixels[4];
  picture_folder(folder.path(), options).train->read(1, pixels);
  CHECK(pixels[3] == Approx(0).margin(1e-4));
}

}  // namespace espalier::datasets
