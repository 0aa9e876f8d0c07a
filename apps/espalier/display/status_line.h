#pragma once

#include <chrono>
#include <string>

namespace espalier::app {

/// A line that is drawn over and over while something goes on, on a terminal only.
class StatusLine {
 public:
  StatusLine();
  /// Clears the line.
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Whether there is a terminal, and the line was not drawn within the last tenth of a second.
  bool due() const;
  /// Draws the line anew; what does not fit is cut off.
  void draw(const std::string& text);
  /// Clears the line before something is printed.
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  bool terminal_;
  bool visible_ = false;
  Clock::time_point drawn_ = {};
};

/// `[=====>    ]  facts`, as wide as a line may be; where that is narrow, without the bar.
std::string with_bar(double part, const std::string& facts);

}  // namespace espalier::app
