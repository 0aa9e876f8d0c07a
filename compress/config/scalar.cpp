#include "espalier/compress/config/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <system_error>

namespace espalier::compress {
namespace {

template <std::size_t n>
bool contains(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 5> null_words = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 9> true_words = {"true", "True", "TRUE", "yes", "Yes",
                                                        "YES",  "on",   "On",   "ON"};
constexpr std::array<std::string_view, 9> false_words = {"false", "False", "FALSE", "no", "No",
                                                         "NO",    "off",   "Off",   "OFF"};

/// Takes the digits at the front of `rest` away and returns how many there were.
std::size_t skip_digits(std::string_view& rest) {
  const std::size_t count = std::min(rest.find_first_not_of("0123456789"), rest.size());
  rest.remove_prefix(count);
  return count;
}

/// Takes a sign at the front away.
void skip_sign(std::string_view& rest) {
  if (!rest.empty() && (rest.front() == '+' || rest.front() == '-')) rest.remove_prefix(1);
}

enum class Shape { none, integer, real };

// from_chars alone would also take "nan", "inf" and a number followed by anything.
Shape number_shape(std::string_view word) {
  skip_sign(word);
  const std::string_view digits = word;
  const std::size_t before = skip_digits(word);
  if (word.empty()) {
    const bool octal_look = before > 1 && digits.front() == '0';
    return before == 0 || octal_look ? Shape::none : Shape::integer;
  }
  std::size_t after = 0;
  if (word.front() == '.') {
    word.remove_prefix(1);
    after = skip_digits(word);
  }
  if (before + after == 0) return Shape::none;
  if (word.empty()) return Shape::real;
  if (word.front() != 'e' && word.front() != 'E') return Shape::none;
  word.remove_prefix(1);
  skip_sign(word);
  return skip_digits(word) > 0 && word.empty() ? Shape::real : Shape::none;
}

/// Reads all of `word` into `number`; false if it does not fit.
template <typename T>
bool read(std::string_view word, T& number) {
  if (word.front() == '+') word.remove_prefix(1);  // from_chars knows no plus sign
  return std::from_chars(word.data(), word.data() + word.size(), number).ec == std::errc();
}

}  // namespace

Value plain_scalar(std::string_view word) {
  if (contains(null_words, word)) return Value();
  if (contains(true_words, word)) return Value(true);
  if (contains(false_words, word)) return Value(false);
  const Shape shape = number_shape(word);
  std::int64_t integer = 0;
  if (shape == Shape::integer && read(word, integer)) return Value(integer);
  double real = 0;
  if (shape != Shape::none && read(word, real)) return Value(real);
  return Value(word);
}

std::string scalar_text(const Value& scalar) {
  switch (scalar.kind()) {
    case Value::Kind::null:
      return "~";
    case Value::Kind::boolean:
      return scalar.as_boolean() ? "true" : "false";
    case Value::Kind::integer:
      return std::to_string(scalar.as_integer());
    case Value::Kind::real: {
      const double number = scalar.as_number();
      if (std::isnan(number)) return ".nan";
      if (std::isinf(number)) return number > 0 ? ".inf" : "-.inf";
      std::string text = number_text(number);
      if (text.find_first_of(".e") == std::string::npos) text += ".0";
      return text;
    }
    default:
      return scalar.as_text();
  }
}

std::string number_text(double number) {
  // As people write it: 0.0005 and not 5e-04, unless the zeros would be too many to count.
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= 1e-5 && size < 1e15);
  std::array<char, 40> buffer;  // at most 17 digits, a sign, a point and five zeros, or an exponent
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  return std::string(buffer.data(), end);
}

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string line(text.substr(0, longest));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  if (text.size() > longest) line += "...";
  return "'" + line + "'";
}

}  // namespace espalier::compress
