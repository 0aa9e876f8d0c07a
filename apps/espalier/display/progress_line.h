#pragma once

#include <chrono>
#include <string>

#include "display/status_line.h"
#include "espalier/nn/train/callback.h"

namespace espalier::app {

/// The line that moves while a network trains: how far the epoch is, how fast, and how long the
/// rest of all trainings will take. It is shown on a terminal only.
class ProgressLine {
 public:
  /// \param epochs     of one training
  /// \param trainings  one after the other
  ProgressLine(int epochs, int trainings);
  /// A training begins, or goes on, with so many of its epochs done.
  void start(double epochs_done);
  /// Draws the line anew, ten times a second at most.
  void show(const nn::StepReport& report);
  /// The same for other work between steps.
  void show(const std::string& text);
  /// Clears the line before something is printed.
  void clear() { line_.clear(); }
  /// Clears the line; the next report is of the next epoch.
  void finish_epoch();

 private:
  using Clock = std::chrono::steady_clock;
  std::string text(const nn::StepReport& report) const;
  double seconds_left(const nn::StepReport& report) const;

  StatusLine line_;
  int epochs_, trainings_;
  // In epochs of all trainings:
  double finished_ = 0;
  double before_ = 0;  // those that were done when the program began
  bool started_ = false;
  Clock::time_point start_, drawn_;
};

}  // namespace espalier::app
