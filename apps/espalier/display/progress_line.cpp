#include "display/progress_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "display/text.h"
#include "espalier/autograd/core/platform.h"

namespace espalier::app {
namespace {

constexpr const char* clear_line = "\r\x1b[K";
constexpr std::chrono::milliseconds redraw_every(100);

/// `[=====>    ]`, `width` columns in all.
std::string bar(double part, int width) {
  const int inside = width - 2;
  const int filled = std::clamp(static_cast<int>(part * inside), 0, inside);
  std::string text(static_cast<size_t>(inside), ' ');
  std::fill_n(text.begin(), filled, '=');
  if (filled < inside) text[static_cast<size_t>(filled)] = '>';
  return "[" + text + "]";
}

double part_of_epoch(const nn::StepReport& report) {
  return static_cast<double>(report.batch) / static_cast<double>(report.batches);
}

}  // namespace

ProgressLine::ProgressLine(int epochs, int trainings)
    : terminal_(is_terminal(1)), epochs_(epochs), trainings_(trainings) {}

ProgressLine::~ProgressLine() {
  clear();
}

void ProgressLine::start(double epochs_done) {
  before_ += epochs_done;
  finished_ += std::floor(epochs_done);
}

void ProgressLine::show(const nn::StepReport& report) {
  if (!terminal_) return;
  const Clock::time_point now = Clock::now();
  if (!started_) start_ = now;
  if (started_ && now - drawn_ < redraw_every) return;
  started_ = true;
  drawn_ = now;
  visible_ = true;
  fmt::print("{}{}", clear_line, text(report));
  std::fflush(stdout);
}

void ProgressLine::clear() {
  if (!visible_) return;
  visible_ = false;
  fmt::print("{}", clear_line);
  std::fflush(stdout);
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
  std::string facts =
      fmt::format("  {}/{}  {:3.0f} %  {:>7} images/s  loss {:.4f}  {} left", report.epoch + 1,
                  epochs_, 100 * part, grouped(static_cast<int64_t>(rate)), report.mean_loss,
                  clock_time(seconds_left(report)));
  // The last column stays free: a character there makes some terminals begin a new line.
  const int width = std::min(terminal_width(), page_width) - 1;
  const int bar_width = width - columns(facts);
  if (bar_width >= 6) return bar(part, bar_width) + facts;
  return facts.substr(0, static_cast<size_t>(std::max(0, width)));
}

}  // namespace espalier::app
