#include "display/progress_line.h"

#include <fmt/format.h>

#include <cmath>

#include "display/text.h"

namespace espalier::app {
namespace {

double part_of_epoch(const nn::StepReport& report) {
  return static_cast<double>(report.batch) / static_cast<double>(report.batches);
}

}  // namespace

ProgressLine::ProgressLine(int epochs, int trainings) : epochs_(epochs), trainings_(trainings) {}

void ProgressLine::start(double epochs_done) {
  before_ += epochs_done;
  finished_ += std::floor(epochs_done);
}

void ProgressLine::show(const nn::StepReport& report) {
  const Clock::time_point now = Clock::now();
  if (!started_) start_ = now;
  started_ = true;
  if (!line_.due()) return;
  drawn_ = now;
  line_.draw(text(report));
}

void ProgressLine::show(const std::string& text) {
  if (line_.due()) line_.draw(text);
}

void ProgressLine::finish_epoch() {
  clear();
  ++finished_;
}

double ProgressLine::seconds_left(const nn::StepReport& report) const {
  const double done = finished_ + part_of_epoch(report);
  const double all = static_cast<double>(epochs_) * trainings_;
  return std::chrono::duration<double>(drawn_ - start_).count() / (done - before_) * (all - done);
}

std::string ProgressLine::text(const nn::StepReport& report) const {
  const double part = part_of_epoch(report);
  const double rate = static_cast<double>(report.samples) / report.seconds;
  const std::string facts =
      fmt::format("  {}/{}  {:3.0f} %  {:>7} images/s  loss {:.4f}  {} left", report.epoch + 1,
                  epochs_, 100 * part, grouped(static_cast<int64_t>(rate)), report.mean_loss,
                  clock_time(seconds_left(report)));
  return with_bar(part, facts);
}

}  // namespace espalier::app
