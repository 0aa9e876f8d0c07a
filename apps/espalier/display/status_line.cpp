#include "display/status_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "display/text.h"
#include "espalier/autograd/core/platform.h"

namespace espalier::app {
namespace {

constexpr const char* clear_line = "\r\x1b[K";
constexpr std::chrono::milliseconds redraw_every(100);

// The last column stays free: a character there makes some terminals begin a new line.
int line_width() {
  return std::max(0, std::min(terminal_width(), page_width) - 1);
}

/// `[=====>    ]`, `width` columns in all.
std::string bar(double part, int width) {
  const int inside = width - 2;
  const int filled = std::clamp(static_cast<int>(part * inside), 0, inside);
  std::string text(static_cast<size_t>(inside), ' ');
  std::fill_n(text.begin(), filled, '=');
  if (filled < inside) text[static_cast<size_t>(filled)] = '>';
  return "[" + text + "]";
}

}  // namespace

StatusLine::StatusLine() : terminal_(is_terminal(1)) {}

StatusLine::~StatusLine() {
  clear();
}

bool StatusLine::due() const {
  return terminal_ && Clock::now() - drawn_ >= redraw_every;
}

void StatusLine::draw(const std::string& text) {
  if (!terminal_) return;
  drawn_ = Clock::now();
  visible_ = true;
  std::string line = text;
  while (columns(line) > line_width()) line.pop_back();
  fmt::print("{}{}", clear_line, line);
  std::fflush(stdout);
}

void StatusLine::clear() {
  if (!visible_) return;
  visible_ = false;
  fmt::print("{}", clear_line);
  std::fflush(stdout);
}

std::string with_bar(double part, const std::string& facts) {
  const int bar_width = line_width() - columns(facts);
  return bar_width >= 6 ? bar(part, bar_width) + facts : facts;
}

}  // namespace espalier::app
