#include <catch2/catch.hpp>
#include <cmath>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/train/evaluation.h"

using namespace espalier;

namespace {

/// Passes its input on, as if it were logits.
class Echo : public nn::Module {
 public:
  Echo() : Module("Echo") {}

 private:
  Tensor forward(const Tensor& x) override { return x; }
};

/// Batches that are given.
class Batches : public BatchSource {
 public:
  Batches(std::vector<Batch> batches, int classes)
      : batches_(std::move(batches)), shape_{classes}, classes_(classes) {}
  void start_epoch(int) override { at_ = 0; }
  bool next(Batch& batch) override {
    if (at_ == batches_.size()) return false;
    batch = batches_[at_++];
    return true;
  }
  int64_t samples() const override {
    int64_t count = 0;
    for (const Batch& batch : batches_) count += batch.labels.size();
    return count;
  }
  int64_t batches() const override { return static_cast<int64_t>(batches_.size()); }
  const Shape& sample_shape() const override { return shape_; }
  int classes() const override { return classes_; }

 private:
  std::vector<Batch> batches_;
  Shape shape_;
  int classes_;
  size_t at_ = 0;
};

}  // namespace

TEST_CASE("counting correct answers, among the first or the first few") {
  const Tensor logits = Tensor::from({3, 2}, {1, 2, 5, 5, 3, 0});
  CHECK(nn::count_correct(logits, {1, 0, 1}) == 2);
  CHECK(nn::count_correct(logits, {1, 1, 1}) == 1);  // of equal ones the first counts
  CHECK(nn::count_correct(logits, {1, 1, 1}, 2) == 3);
  CHECK(nn::count_correct(Tensor::from({1, 4}, {4, 1, 3, 2}), {3}, 2) == 0);
  CHECK(nn::count_correct(Tensor::from({1, 4}, {4, 1, 3, 2}), {3}, 3) == 1);
  CHECK(nn::count_correct(Tensor::from({2, 2}, {NAN, 1, 1, NAN}), {0, 0}, 1) == 0);
  CHECK_THROWS(nn::count_correct(logits, {1}));
  CHECK_THROWS_WITH(nn::count_correct(logits, {0, 2, 0}), Catch::Contains("label 2"));
}

TEST_CASE("a confusion matrix counts which class was taken for which") {
  nn::ConfusionMatrix matrix(3);
  CHECK(matrix.accuracy() == 0);
  const Tensor answers = Tensor::from({4, 3}, {1, 0, 0, 0, 1, 0, 0, 1, 0, 2, 2, 0});  // 0 1 1 0
  matrix.add(answers, {0, 1, 0, 2});
  matrix.add(answers, {0, 1, 1, 0});
  CHECK(matrix.count(0, 0) == 3);
  CHECK(matrix.count(0, 1) == 1);
  CHECK(matrix.count(1, 1) == 3);
  CHECK(matrix.count(2, 0) == 1);
  CHECK(matrix.count(2, 2) == 0);
  CHECK(matrix.samples() == 8);
  CHECK(matrix.accuracy() == 6.0 / 8);
  CHECK(matrix.class_accuracy(0) == 0.75);
  CHECK(matrix.class_accuracy(1) == 1.0);
  CHECK(matrix.class_accuracy(2) == 0.0);
  CHECK(nn::ConfusionMatrix(2).class_accuracy(1) == 0.0);
  CHECK_THROWS_WITH(matrix.add(Tensor::zeros({1, 2}), {0}), Catch::Contains("3 classes"));
}

TEST_CASE("an evaluation weighs batches by their size and sees all figures in one pass") {
  // Class 0 gets 3 and every other class 0, so −log p(0) = log(1 + 5e⁻³), of another 3 more.
  Echo echo;
  const Tensor row = Tensor::from({1, 6}, {3, 0, 0, 0, 0, 0});
  const Tensor three = Tensor::generate({3, 6}, [](int64_t i) { return i % 6 == 0 ? 3.0f : 0.0f; });
  Batches samples({{three, {0, 0, 4}}, {row, {5}}}, 6);
  const nn::Evaluation result = nn::evaluate(echo, samples);
  CHECK(result.accuracy == 0.5);
  CHECK(result.loss == Approx(std::log(1 + 5 * std::exp(-3.0)) + 3 * 0.5));
  REQUIRE(result.top5_accuracy.has_value());
  CHECK(*result.top5_accuracy == 0.75);  // class 5 is the sixth
  CHECK(result.confusion.count(4, 0) == 1);
  CHECK(result.confusion.class_accuracy(0) == 1.0);
  CHECK(echo.training());

  echo.eval();
  Batches few({{Tensor::zeros({2, 3}), {0, 1}}}, 3);
  CHECK_FALSE(nn::evaluate(echo, few).top5_accuracy.has_value());
  CHECK_FALSE(echo.training());
  Batches none({}, 3);
  CHECK_THROWS_WITH(nn::evaluate(echo, none), Catch::Contains("no samples"));
}
