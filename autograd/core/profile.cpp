#include "espalier/autograd/core/profile.h"

#include <chrono>
#include <numeric>

namespace espalier {
namespace {

thread_local Profile* listener = nullptr;

}  // namespace

const char* name_of(Work work) {
  switch (work) {
    case Work::forward:
      return "forward";
    case Work::input_gradient:
      return "input gradient";
    case Work::weight_gradient:
      return "weight gradient";
    case Work::batch_norm:
      return "batch norm";
    case Work::pooling:
      return "pooling";
    case Work::elementwise:
      return "element-wise";
    case Work::optimizer:
      return "optimizer";
    case Work::data:
      return "data";
    case Work::waiting:
      return "waiting";
    case Work::other:
      break;
  }
  return "other";
}

double Profile::now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(since).count();
}

double Profile::seconds() const {
  return std::accumulate(rows_.begin(), rows_.end(), 0.0,
                         [](double sum, const Row& row) { return sum + row.seconds; });
}

Profile::Listening::Listening(Profile& profile) : previous_(std::exchange(listener, &profile)) {
  profile.mark_ = now();
  if (profile.rows_.empty()) profile.begin_ = profile.mark_;
}
Profile::Listening::~Listening() {
  listener = previous_;
}

Profile::Pause::Pause() : paused_(std::exchange(listener, nullptr)) {}
Profile::Pause::~Pause() {
  listener = paused_;
  if (listener) listener->mark_ = now();
}

bool Profile::listening() {
  return listener != nullptr;
}

void Profile::lap(const std::string& layer, const char* operation, Work work) {
  if (listener) listener->finish_lap(layer, operation, work);
}

Profile::Part::Part(Work work) : profile_(listener), work_(work) {
  if (!profile_) return;
  start_ = now();
  waited_ = profile_->waited_;
  profile_->open_ = this;
}

Profile::Part::~Part() {
  if (!profile_) return;
  profile_->open_ = nullptr;
  profile_->parts_.push_back(
      {work_, kernel_, start_, now() - start_, profile_->waited_ - waited_, flop_});
}

void Profile::kernel(const char* name, double flop) {
  if (!listener || !listener->open_ || *listener->open_->kernel_) return;
  listener->open_->kernel_ = name;
  listener->open_->flop_ = flop;
}

void Profile::waited(double seconds) {
  if (listener) listener->waited_ += seconds;
}

void Profile::finish_lap(const std::string& layer, const char* operation, Work work) {
  const double end = now();
  double own = end - mark_ - waited_;
  for (const FinishedPart& part : parts_) own -= part.seconds - part.waited;
  keep_event(add({layer, operation, work, ""}, own, 0), mark_, end - mark_);
  for (const FinishedPart& part : parts_) {
    const size_t row =
        add({layer, operation, part.work, part.kernel}, part.seconds - part.waited, part.flop);
    keep_event(row, part.start, part.seconds);
  }
  if (waited_ > 0) add({layer, operation, Work::waiting, ""}, waited_, 0);
  parts_.clear();
  waited_ = 0;
  mark_ = now();
}

size_t Profile::add(Key key, double seconds, double flop) {
  const auto [entry, is_new] = row_of_.try_emplace(std::move(key), rows_.size());
  if (is_new) rows_.push_back({entry->first});
  Row& row = rows_[entry->second];
  ++row.calls;
  row.seconds += seconds;
  row.flop += flop;
  return entry->second;
}

void Profile::keep_event(size_t row, double start, double seconds) {
  if (events_.size() < most_events_) events_.push_back({row, start - begin_, seconds});
}

}  // namespace espalier
