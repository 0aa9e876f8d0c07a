#include "display/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace espalier::app {

std::string percent(double fraction, int decimals) {
  return fmt::format("{:.{}f} %", 100 * fraction, decimals);
}

std::string duration(double seconds) {
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  return clock_time(seconds);
}

std::string clock_time(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

int columns(const std::string& text) {
  // Bytes 10xxxxxx continue a character.
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded_right(const std::string& text, int width) {
  return text + std::string(static_cast<size_t>(std::max(0, width - columns(text))), ' ');
}

std::string padded_left(const std::string& text, int width) {
  return std::string(static_cast<size_t>(std::max(0, width - columns(text))), ' ') + text;
}

std::string wrapped(const std::string& start, int indent, const std::string& text) {
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string result, line = start;
  bool first = true;
  std::istringstream words(text);
  for (std::string word; words >> word; first = false) {
    if (!first && columns(line) + 1 + columns(word) > page_width) {
      result += line + "\n";
      line = margin;
      first = true;
    }
    line += (first ? "" : " ") + word;
  }
  return result + line + "\n";
}

std::string indented(const std::string& text, int indent) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    result += (line.empty() ? "" : std::string(static_cast<size_t>(indent), ' ') + line) + "\n";
  return result;
}

std::string labelled(const std::string& label, const std::string& text) {
  constexpr int label_width = 12;
  return wrapped(padded_right(label + " ", label_width), label_width, text);
}

}  // namespace espalier::app
