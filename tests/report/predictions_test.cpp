#include "espalier/report/predictions.h"

#include <catch2/catch.hpp>

#include "espalier/datasets/memory_dataset.h"
#include "espalier/nn/layers/flatten.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/sequential.h"

using namespace espalier;

namespace {

/// Four pictures of 1×2 in two colours, with a mean and a deviation for each of these.
class FourPictures : public datasets::Dataset {
 public:
  int64_t size() const override { return 4; }
  const Shape& sample_shape() const override { return shape_; }
  int classes() const override { return 2; }
  std::vector<std::string> class_names() const override { return {"cat", "dog"}; }
  void read(int64_t index, float* pixels) const override {
    for (int64_t i = 0; i < 4; ++i)
      pixels[i] = normalisation_(bytes[static_cast<size_t>(index)][static_cast<size_t>(i)], i % 2);
  }
  int32_t label(int64_t index) const override { return index < 2 ? 0 : 1; }
  const datasets::Normalisation& normalisation() const override { return normalisation_; }

  const std::vector<std::vector<uint8_t>> bytes = {
      {0, 1, 2, 3}, {255, 254, 17, 128}, {200, 100, 50, 25}, {7, 77, 177, 222}};

 private:
  Shape shape_{1, 2, 2};
  datasets::Normalisation normalisation_{{0.4f, 0.5f}, {0.2f, 0.3f}};
};

}  // namespace

TEST_CASE("predictions: confusion, and where two networks differ") {
  const FourPictures pictures;  // 0 0 1 1
  const std::vector<int64_t> dense = {0, 0, 1, 0}, compressed = {1, 0, 0, 1};
  const report::Confusion confusion = report::confusion(compressed, pictures);
  CHECK(confusion.classes == std::vector<std::string>{"cat", "dog"});
  CHECK(confusion.counts == std::vector<std::vector<int64_t>>{{1, 1}, {1, 1}});
  CHECK(report::accuracy(dense, pictures) == 0.75);
  CHECK(report::accuracy(compressed, pictures) == 0.5);
  const report::Difference difference = report::difference(dense, compressed, pictures);
  CHECK(difference.lost == std::vector<int64_t>{0, 2});
  CHECK(difference.won == 1);
  // A network with a class that the data do not have.
  const report::Confusion three = report::confusion({2, 0, 1, 1}, pictures);
  CHECK(three.classes.back() == "2");
  CHECK(three.counts == std::vector<std::vector<int64_t>>{{1, 0, 1}, {0, 2, 0}, {0, 0, 0}});
}

TEST_CASE("predictions: pictures are turned back into bytes") {
  const FourPictures pictures;
  for (int64_t i = 0; i < 4; ++i) {
    const report::Picture picture = report::picture(pictures, i);
    CHECK(picture.width == 2);
    CHECK(picture.height == 1);
    CHECK(picture.channels == 2);
    CHECK(picture.pixels == pictures.bytes[static_cast<size_t>(i)]);
  }
}

TEST_CASE("predictions: the class of the largest score") {
  auto net = nn::Sequential{nn::Flatten(), nn::Linear({.in = 4, .out = 3})};
  for (const nn::NamedParameter& named : net.parameters()) {
    // Class 1 for the sum of all values, class 2 for its negative.
    named.parameter->load(named.parameter->name() == "weight"
                              ? Tensor::from({3, 4}, {0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1, -1})
                              : Tensor::zeros({3}));
  }
  const auto pictures = std::make_shared<FourPictures>();
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < 4; ++i) {
    std::vector<float> values(4);
    pictures->read(i, values.data());
    expected.push_back(values[0] + values[1] + values[2] + values[3] > 0 ? 1 : 2);
  }
  CHECK(expected == std::vector<int64_t>{2, 1, 2, 1});
  CHECK(report::answers(net, pictures) == expected);
}
