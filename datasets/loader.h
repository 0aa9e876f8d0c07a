#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "espalier/autograd/batch.h"
#include "espalier/datasets/augmentation.h"
#include "espalier/datasets/dataset.h"

namespace espalier {
class Engine;
}

namespace espalier::datasets {

struct LoaderOptions {
  int64_t batch = 64;      ///< samples in a batch
  bool shuffle = false;    ///< another order every epoch; wanted for training
  uint64_t seed = 0;       ///< of the orders, and of augmentation
  bool drop_last = false;  ///< leave a last batch out that would be smaller
  /// Batches prepared ahead by a thread of their own, which pays where the engine leaves a core
  /// free; 0: none, the engine's threads make each batch together when it is asked for. Not given:
  /// 2 if a core is free, else 0.
  std::optional<int> prefetch = {};
  Augmentation augment = {};  ///< random changes to the pictures; for training only
};

/// Makes batches of the samples of a data set, pass after pass:
///
///     datasets::Loader loader(datasets::mnist("", datasets::Split::train), {.shuffle = true});
///     for (const auto& [images, labels] : loader) …   // epoch 0, the next such loop epoch 1, …
///
/// The order of an epoch is a function of the seed, the epoch and the number of samples alone: not
/// of what was drawn before, of prefetching, or of where the epoch began. Augmentation depends on
/// the seed, the epoch and the number of the sample in the data set. So a run that stopped in
/// mid-epoch goes on exactly, with `start_epoch(epoch, first_batch)`.
///
/// Tensors come from the engine that is current where the loader is made, which must outlive it.
/// A loader is for one thread at a time; the thread it prefetches with is its own affair.
class Loader : public BatchSource {
 public:
  /// \throws Error when the data set is missing or empty, an option is out of range, or no batch
  ///         would be left
  explicit Loader(DatasetPtr dataset, LoaderOptions options = {});
  /// Stops prefetching.
  ~Loader() override;
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Begins a pass; one that was under way ends. \throws Error for a negative epoch
  void start_epoch(int epoch) override { start_epoch(epoch, 0); }
  /// Begins a pass at its batch number `first_batch`: the batches from there on are those of the
  /// whole pass. `batches()` is allowed and gives none. \throws Error for others
  void start_epoch(int epoch, int64_t first_batch);
  void start_epoch_at(int epoch, int64_t first_batch) override { start_epoch(epoch, first_batch); }

  /// The next batch of the pass; false at its end. What `batch` held is let go first.
  /// \throws Error before the first `start_epoch`; what the data set throws, wherever it was read
  bool next(Batch& batch) override;

  int64_t samples() const override;  ///< in a pass: without those that `drop_last` leaves out
  int64_t batches() const override;
  const Shape& sample_shape() const override { return dataset_->sample_shape(); }
  int classes() const override { return dataset_->classes(); }
  const Dataset& dataset() const { return *dataset_; }

  /// One batch after the other. Holds its batch, so leaving a loop early frees it.
  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    explicit Iterator(Loader& loader) : loader_(&loader) { ++*this; }
    const Batch& operator*() const { return batch_; }
    Iterator& operator++() {
      at_end_ = !loader_->next(batch_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    Loader* loader_;
    Batch batch_;
    bool at_end_ = false;
  };

  /// Begins the epoch after the last one begun, the first time epoch 0.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

 private:
  class Prefetcher;

  bool assemble(Batch& batch);
  void read_sample(int64_t index, float* pixels, int part);

  DatasetPtr dataset_;
  LoaderOptions options_;  // `prefetch` filled in
  Engine* engine_;
  std::optional<Augmenter> augmenter_;  // none: pictures are left as they are
  int next_epoch_ = 0;
  bool started_ = false;
  // What makes batches. While a prefetcher lives, these are for its thread only.
  int epoch_ = 0;
  int64_t position_ = 0;        // the batch to be made next
  std::vector<int64_t> order_;  // of the samples; final up to `shuffled_`
  int64_t shuffled_ = 0;
  std::vector<int32_t> labels_;             // of the batch being made
  std::vector<float> pictures_;             // samples on their way to the augmenter, by part
  std::unique_ptr<Prefetcher> prefetcher_;  // destroyed first: its thread uses the others
};

}  // namespace espalier::datasets
