#include "espalier/compress/config/name_pattern.h"

#include <cstddef>
#include <utility>

namespace espalier::compress {
namespace {

constexpr std::string_view regex_mark = "re:";

/// In our words: those of the standard library differ by version and say little.
std::string_view explanation(std::regex_constants::error_type code) {
  namespace error = std::regex_constants;
  if (code == error::error_paren || code == error::error_badrepeat) {
    // The library uses the first code for both.
    return "a parenthesis is not closed or not opened, or there is nothing before a *, + or ? to "
           "repeat";
  }
  if (code == error::error_brack) return "a square bracket is not closed";
  if (code == error::error_brace || code == error::error_badbrace)
    return "braces must hold one or two numbers, as in {2} and {1,3}";
  if (code == error::error_escape) return "after a backslash comes what has no meaning there";
  if (code == error::error_range) return "a range in square brackets ends before it begins";
  if (code == error::error_backref) return "there is no group of that number";
  if (code == error::error_ctype) return "there is no class of characters of that name";
  return "it cannot be understood, or is too large";
}

/// The place behind the character of UTF-8 at `at`.
std::size_t next_character(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && (text[at] & 0xC0) == 0x80) ++at;
  return at;
}

}  // namespace

NamePattern::NamePattern(std::string text) : text_(std::move(text)) {
  if (text_.starts_with(regex_mark)) {
    kind_ = Kind::regex;
    const std::string expression = text_.substr(regex_mark.size());
    try {
      regex_.emplace(expression, std::regex::ECMAScript | std::regex::nosubs);
    } catch (const std::regex_error& error) {
      problem_ = "'" + expression +
                 "' is no regular expression: " + std::string(explanation(error.code()));
    }
  } else if (text_.find_first_of("*?") != std::string::npos) {
    kind_ = Kind::glob;
  }
}

bool NamePattern::matches(const std::string& name) const {
  if (kind_ == Kind::exact) return name == text_;
  if (kind_ == Kind::glob) return glob_matches(text_, name);
  return regex_ && std::regex_match(name, *regex_);
}

bool glob_matches(std::string_view glob, std::string_view name) {
  std::size_t in_glob = 0, in_name = 0;
  // Where to go on after a wrong guess of how much the last star stands for: one character more.
  std::optional<std::size_t> behind_star;
  std::size_t star_end = 0;
  while (in_name < name.size()) {
    const char wanted = in_glob < glob.size() ? glob[in_glob] : '\0';
    if (wanted == '*') {
      behind_star = ++in_glob;
      star_end = in_name;
    } else if (wanted == '?') {
      ++in_glob;
      in_name = next_character(name, in_name);
    } else if (in_glob < glob.size() && wanted == name[in_name]) {
      ++in_glob;
      ++in_name;
    } else if (behind_star) {
      in_glob = *behind_star;
      in_name = ++star_end;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', in_glob) == std::string_view::npos;
}

}  // namespace espalier::compress
