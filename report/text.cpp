#include "espalier/report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace espalier::report {
namespace {

/// Three significant digits, without zeros at the end of a fraction.
std::string three_digits(double number) {
  const double size = std::abs(number);
  const int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  std::string text = fmt::format("{:.{}f}", number, decimals);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

struct Unit {
  double size;
  const char* name;
};

/// In the largest unit of which there is one at least; the first unit is the smallest.
template <size_t N>
std::string in_units(double number, const std::array<Unit, N>& units) {
  size_t at = 0;
  // What would be rounded up to 1000 belongs to the next unit.
  while (at + 1 < N && std::abs(number) >= 0.9995 * units[at + 1].size) ++at;
  return three_digits(number / units[at].size) + units[at].name;
}

}  // namespace

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const int64_t sign = number < 0 ? 1 : 0;
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > sign; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string percent(double fraction, int decimals) {
  return fmt::format("{:.{}f}\u00a0%", 100 * fraction, decimals);
}

std::string share(double fraction) {
  const double hundredths = 100 * fraction;
  if (hundredths == 0 || hundredths == 100) return fmt::format("{:.0f}\u00a0%", hundredths);
  const double from_end = std::min(std::abs(hundredths), std::abs(100 - hundredths));
  return fmt::format("{:.{}f}\u00a0%", hundredths, from_end < 0.1 ? 3 : from_end < 9.95 ? 2 : 1);
}

std::string byte_size(int64_t bytes) {
  constexpr std::array<Unit, 4> units = {
      {{1, "\u00a0bytes"}, {1e3, "\u00a0kB"}, {1e6, "\u00a0MB"}, {1e9, "\u00a0GB"}}};
  return in_units(static_cast<double>(bytes), units);
}

std::string short_count(int64_t count) {
  constexpr std::array<Unit, 4> units = {
      {{1, ""}, {1e3, "\u00a0k"}, {1e6, "\u00a0M"}, {1e9, "\u00a0G"}}};
  return in_units(static_cast<double>(count), units);
}

std::string short_number(double number) {
  if (number < 0) return "−" + short_number(-number);
  const double size = number;
  if (number == 0 || !std::isfinite(number)) return fmt::format("{:g}", number);
  if (size >= 999.5 && size < 1e12) return grouped(std::llround(number));
  if (size < 1e-4 || size >= 1e12) return fmt::format("{:.2e}", number);
  return fmt::format("{:.3g}", number);
}

std::string micros(double microseconds) {
  constexpr std::array<Unit, 3> units = {{{1, "\u00a0µs"}, {1e3, "\u00a0ms"}, {1e6, "\u00a0s"}}};
  return in_units(microseconds, units);
}

std::string times(double ratio) {
  return (ratio >= 9.95 ? grouped(std::llround(ratio)) : fmt::format("{:.1f}", ratio)) + "×";
}

std::string bit_width(double bits) {
  return three_digits(bits);
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("{}", fmt::join(shape, "×"));
}

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string base64(const std::vector<uint8_t>& bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) group = group << 8 | (i < count ? bytes[at + i] : 0u);
    for (size_t i = 0; i < 4; ++i) {
      text += i <= count ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
  }
  return text;
}

}  // namespace espalier::report
