#pragma once

#include <cstdint>
#include <string>

#include "espalier/report/text.h"

/// Numbers and lines as the program shows them.
namespace espalier::app {

/// Everything printed fits this many columns.
inline constexpr int page_width = 80;

using report::grouped;
/// `90.12 %` for the fraction 0.9012.
std::string percent(double fraction, int decimals);
/// `0.31 s`, `12.3 s`, `1:23`, `1:02:03`.
std::string duration(double seconds);
/// `0:09`, `1:23`, `1:02:03`: without parts of seconds, which would flicker.
std::string clock_time(double seconds);
/// How many columns UTF-8 text takes; every character counts as one.
int columns(const std::string& text);
/// The text with spaces behind it, or before it.
std::string padded_right(const std::string& text, int width);
std::string padded_left(const std::string& text, int width);
/// `start` and the text behind it, with line breaks at spaces so that it fits the page, and one at
/// its end; further lines begin with `indent` spaces. Text of several words only: more spaces in a
/// row become one.
std::string wrapped(const std::string& start, int indent, const std::string& text);
/// Every line of the text with spaces before it, unless it is empty.
std::string indented(const std::string& text, int indent);
/// `label       text`, with line breaks at spaces so that it fits the page, and one at its end.
std::string labelled(const std::string& label, const std::string& text);

}  // namespace espalier::app
