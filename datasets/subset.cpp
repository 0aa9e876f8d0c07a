#include "espalier/datasets/subset.h"

#include <fmt/format.h>

#include <utility>

#include "espalier/autograd/core/error.h"

namespace espalier::datasets {
namespace {

class Subset : public Dataset {
 public:
  Subset(DatasetPtr whole, SampleRange range) : whole_(std::move(whole)), range_(range) {}

  int64_t size() const override { return range_.end - range_.begin; }
  const Shape& sample_shape() const override { return whole_->sample_shape(); }
  int classes() const override { return whole_->classes(); }
  std::vector<std::string> class_names() const override { return whole_->class_names(); }
  void read(int64_t index, float* pixels) const override { whole_->read(in_whole(index), pixels); }
  int32_t label(int64_t index) const override { return whole_->label(in_whole(index)); }
  const Normalisation& normalisation() const override { return whole_->normalisation(); }

 private:
  int64_t in_whole(int64_t index) const {
    if (index < 0 || index >= size()) {
      throw Error("subset", fmt::format("there is no sample {}, the subset has {}", index, size()));
    }
    return range_.begin + index;
  }

  DatasetPtr whole_;
  SampleRange range_;
};

void check_count(const DatasetPtr& dataset, int64_t count) {
  if (!dataset) throw Error("subset", "there is no data set to take samples from");
  if (count < 1 || count > dataset->size()) {
    throw Error("subset", fmt::format("{} samples were asked for, the data set has {}", count,
                                      dataset->size()));
  }
}

}  // namespace

DatasetPtr subset(DatasetPtr dataset, SampleRange range) {
  if (!dataset) throw Error("subset", "there is no data set to take samples from");
  if (range.begin < 0 || range.begin >= range.end || range.end > dataset->size()) {
    throw Error("subset",
                fmt::format("the samples from {} up to {} were asked for, the data set has "
                            "0 up to {}",
                            range.begin, range.end, dataset->size()));
  }
  return std::make_shared<Subset>(std::move(dataset), range);
}

DatasetPtr first_samples(DatasetPtr dataset, int64_t count) {
  check_count(dataset, count);
  return subset(std::move(dataset), {.begin = 0, .end = count});
}

DatasetPtr last_samples(DatasetPtr dataset, int64_t count) {
  check_count(dataset, count);
  const int64_t size = dataset->size();
  return subset(std::move(dataset), {.begin = size - count, .end = size});
}

}  // namespace espalier::datasets
