#pragma once

#include <optional>
#include <regex>
#include <string>
#include <string_view>

namespace espalier::compress {

/// Names of layers as a rule writes them: `block2.conv1` is that name; in `block*.conv?` a `*`
/// stands for any characters, points included, and a `?` for one; `re:block[1-3]\..*` is a regular
/// expression (ECMAScript, as std::regex has it) that must match the whole name.
class NamePattern {
 public:
  enum class Kind { exact, glob, regex };

  explicit NamePattern(std::string text);

  /// What is wrong with the regular expression, which then matches nothing; mostly empty.
  const std::string& problem() const { return problem_; }
  bool matches(const std::string& name) const;
  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  Kind kind_ = Kind::exact;
  std::optional<std::regex> regex_;
  std::string problem_;
};

/// Whether a glob matches the whole name; characters are those of UTF-8.
bool glob_matches(std::string_view glob, std::string_view name);

}  // namespace espalier::compress
