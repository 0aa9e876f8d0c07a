#include "number_list.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>

#include "arguments.h"

namespace espalier::app {
namespace {

constexpr size_t most_numbers = 64;

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

float number(const std::string& option, std::string_view item, size_t place) {
  if (item.empty()) {
    throw UsageError(
        fmt::format("{}: number {} is empty; separate numbers by one comma each, as in {} 0.1,-0.4",
                    option, place, option));
  }
  const std::string_view digits = item.starts_with('+') ? item.substr(1) : item;
  float value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end) {
    throw UsageError(
        fmt::format("{}: number {}, '{}', is out of the range of float32", option, place, item));
  }
  if (error != std::errc() || stop != end) {
    throw UsageError(
        fmt::format("{}: '{}' (number {}) is not a number such as -0.4", option, item, place));
  }
  if (!std::isfinite(value)) {
    throw UsageError(fmt::format("{}: number {} is '{}'; only finite numbers can be worked with",
                                 option, place, item));
  }
  return value;
}

}  // namespace

std::vector<float> number_list(const std::string& option, const std::string& text) {
  std::vector<float> numbers;
  std::string_view rest = text;
  while (true) {
    const size_t comma = rest.find(',');
    numbers.push_back(number(option, trimmed(rest.substr(0, comma)), numbers.size() + 1));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (numbers.size() > most_numbers) {
    throw UsageError(fmt::format("{} has {} numbers; give at most {}, to be followed by hand",
                                 option, numbers.size(), most_numbers));
  }
  return numbers;
}

}  // namespace espalier::app
