#include "espalier/datasets/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <numeric>
#include <span>
#include <system_error>
#include <thread>
#include <utility>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/core/random.h"

namespace espalier::datasets {

// Makes batches ahead of their use, on a thread that lives for the rest of one pass. Its maker and
// the thread share the queue and nothing else; the destructor joins. A new thread for each pass
// costs some ten microseconds and needs no protocol for starting over.
class Loader::Prefetcher {
 public:
  // `make` gives the next batch, or false at the end.
  Prefetcher(Engine& engine, int ahead, std::function<bool(Batch&)> make)
      : ready_(static_cast<size_t>(ahead)), make_(std::move(make)) {
    try {
      thread_ = std::thread([this, &engine] { run(engine); });
    } catch (const std::system_error& failure) {
      throw Error("loader", fmt::format("cannot start a thread for prefetching ({}); set prefetch "
                                        "to 0",
                                        failure.what()));
    }
  }

  ~Prefetcher() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    space_.notify_one();
    thread_.join();
  }

  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // Waits for the next batch; false at the end. Throws what `make` threw, in its place: batches
  // made before the failure come first.
  bool next(Batch& batch) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return count_ > 0 || finished_; });
    if (count_ == 0) {
      if (failure_) std::rethrow_exception(failure_);
      return false;
    }
    batch = std::exchange(ready_[first_], Batch());
    first_ = (first_ + 1) % ready_.size();
    --count_;
    lock.unlock();
    space_.notify_one();
    return true;
  }

 private:
  void run(Engine& engine) {
    EngineScope scope(engine);  // the current engine is one per thread
    for (bool more = true; more;) {
      {
        // Room first, then the work: so no more than `ahead` batches exist, made or half made.
        std::unique_lock lock(mutex_);
        space_.wait(lock, [this] { return stop_ || count_ < ready_.size(); });
        if (stop_) return;
      }
      Batch batch;
      std::exception_ptr failure;
      try {
        more = make_(batch);
      } catch (...) {
        failure = std::current_exception();
        more = false;
      }
      {
        std::lock_guard lock(mutex_);
        if (more) ready_[(first_ + count_++) % ready_.size()] = std::move(batch);
        failure_ = std::move(failure);
        finished_ = !more;
      }
      filled_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable space_, filled_;
  std::vector<Batch> ready_;  // a ring: `count_` batches from `first_` on
  size_t first_ = 0, count_ = 0;
  bool stop_ = false, finished_ = false;
  std::exception_ptr failure_;
  std::function<bool(Batch&)> make_;
  std::thread thread_;  // last: it uses all of the above
};

Loader::Loader(DatasetPtr dataset, LoaderOptions options)
    : dataset_(std::move(dataset)), options_(options), engine_(&Engine::current()) {
  if (!options_.prefetch) options_.prefetch = engine_->threads() < available_cores() ? 2 : 0;
  if (!dataset_ || dataset_->size() == 0) throw Error("loader", "the data set has no samples");
  if (options_.batch < 1) {
    throw Error("loader", fmt::format("a batch of {} samples cannot be, set it to 1 or more",
                                      options_.batch));
  }
  if (options_.prefetch < 0) {
    throw Error("loader",
                fmt::format("{} batches cannot be prefetched; 0 is none", *options_.prefetch));
  }
  if (batches() == 0) {
    throw Error("loader",
                fmt::format("the data set has {} samples, fewer than the batch of {}, and "
                            "drop_last leaves none",
                            dataset_->size(), options_.batch));
  }
  options_.batch = std::min(options_.batch, dataset_->size());  // a huge one means: everything
  labels_.reserve(static_cast<size_t>(options_.batch));
  if (options_.augment.any()) {
    augmenter_.emplace(options_.augment, dataset_->sample_shape(), dataset_->normalisation(),
                       options_.seed);
    const int parts = options_.prefetch == 0 ? engine_->threads() : 1;
    pictures_.resize(static_cast<size_t>(parts * dataset_->sample_shape().elements()));
  }
}

Loader::~Loader() = default;

int64_t Loader::batches() const {
  const int64_t full = dataset_->size() / options_.batch;
  return full + (!options_.drop_last && dataset_->size() % options_.batch != 0);
}

int64_t Loader::samples() const {
  return std::min(batches() * options_.batch, dataset_->size());
}

void Loader::start_epoch(int epoch, int64_t first_batch) {
  if (epoch < 0) throw Error("loader", fmt::format("there is no epoch {}", epoch));
  if (first_batch < 0 || first_batch > batches()) {
    throw Error("loader", fmt::format("an epoch cannot start at batch {}, it has {}", first_batch,
                                      batches()));
  }
  prefetcher_.reset();
  started_ = true;
  epoch_ = epoch;
  next_epoch_ = epoch == std::numeric_limits<int>::max() ? 0 : epoch + 1;
  position_ = first_batch;
  if (options_.shuffle) {
    order_.resize(static_cast<size_t>(dataset_->size()));
    std::iota(order_.begin(), order_.end(), int64_t{0});
    shuffled_ = 0;
  }
}

bool Loader::next(Batch& batch) {
  batch = Batch();  // its memory may serve the batch made next
  if (!started_) throw Error("loader", "next() needs start_epoch() before it");
  if (options_.prefetch == 0) {
    EngineScope scope(*engine_);
    return assemble(batch);
  }
  if (!prefetcher_) {
    prefetcher_ = std::make_unique<Prefetcher>(*engine_, *options_.prefetch,
                                               [this](Batch& made) { return assemble(made); });
  }
  return prefetcher_->next(batch);
}

// Makes the batch at `position_`; false at the end of the pass.
bool Loader::assemble(Batch& batch) {
  if (position_ == batches()) return false;
  const int64_t first = position_ * options_.batch;
  const int64_t last = std::min(first + options_.batch, dataset_->size());

  // Fisher–Yates from the front: a step decides one place for good, so each batch does no more
  // steps than it needs, and the cost of shuffling spreads over the pass.
  if (options_.shuffle) {
    const RandomStream random(options_.seed, Purpose::data_order, static_cast<uint64_t>(epoch_));
    for (; shuffled_ < last; ++shuffled_) {
      const auto left = static_cast<uint64_t>(dataset_->size() - shuffled_);
      const auto step = random.below(static_cast<uint64_t>(shuffled_), left);
      std::swap(order_[static_cast<size_t>(shuffled_)],
                order_[static_cast<size_t>(shuffled_) + step]);
    }
  }

  const Shape& sample = dataset_->sample_shape();
  NewTensor images({last - first, sample[0], sample[1], sample[2]});
  labels_.resize(static_cast<size_t>(last - first));
  const auto read = [&](int64_t begin, int64_t end, int part) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t index = options_.shuffle ? order_[static_cast<size_t>(first + i)] : first + i;
      read_sample(index, images.data() + i * sample.elements(), part);
      labels_[static_cast<size_t>(i)] = dataset_->label(index);
    }
  };
  if (options_.prefetch == 0) {
    constexpr int64_t values_worth_a_team = 16 * 1024;
    parallel_parts(last - first, 1 + values_worth_a_team / sample.elements(), read);
  } else {
    read(0, last - first, 0);
  }
  batch.images = std::move(images);
  batch.labels = Labels(std::span<const int32_t>(labels_));
  ++position_;
  return true;
}

void Loader::read_sample(int64_t index, float* pixels, int part) {
  if (!augmenter_) {
    dataset_->read(index, pixels);
    return;
  }
  float* picture = pictures_.data() + part * dataset_->sample_shape().elements();
  dataset_->read(index, picture);
  augmenter_->apply(picture, pixels, epoch_, index);
}

Loader::Iterator Loader::begin() {
  start_epoch(next_epoch_);
  return Iterator(*this);
}

}  // namespace espalier::datasets
