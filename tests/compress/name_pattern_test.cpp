#include "espalier/compress/config/name_pattern.h"

#include <catch2/catch.hpp>

using namespace espalier::compress;
using Catch::Contains;

namespace {

/// What a pattern matches of these names, by their last letters.
std::string matched(const std::string& pattern) {
  std::string letters;
  for (const std::string name : {"conv1.a", "block1.conv1.b", "block12.conv2.c", "fc.d", "größe.e"})
    if (NamePattern(pattern).matches(name)) letters += name.back();
  return letters;
}

}  // namespace

TEST_CASE("a name without signs of a pattern is that name", "[config]") {
  CHECK(NamePattern("fc.d").kind() == NamePattern::Kind::exact);
  CHECK(matched("fc.d") == "d");
  CHECK(matched("fc") == "");
  CHECK(matched("fcxd") == "");
  CHECK(matched("[f]c.d") == "");
}

TEST_CASE("a glob matches whole names, and its star points as well", "[config]") {
  CHECK(NamePattern("block*").kind() == NamePattern::Kind::glob);
  CHECK(matched("*") == "abcde");
  CHECK(matched("block*") == "bc");
  CHECK(matched("block*.conv?.*") == "bc");
  CHECK(matched("block?.*") == "b");
  CHECK(matched("*conv1*") == "ab");
  CHECK(matched("*1*1*") == "b");
  CHECK(matched("conv") == "");
  CHECK(matched("*.?") == "abcde");
  CHECK(matched("??.?") == "d");
  CHECK(matched("gr??e.e") == "e");  // ö and ß are one character each, of two bytes
  CHECK(matched("gr???e.e") == "");
  CHECK(matched("fc.d?") == "");
  CHECK(matched("fc.d*") == "d");
  CHECK(glob_matches("**", ""));
  CHECK_FALSE(glob_matches("?", ""));
  CHECK_FALSE(glob_matches("", "a"));
  // The guess for the first star must not be tried again for every guess for the second.
  CHECK_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST_CASE("a regular expression matches whole names", "[config]") {
  CHECK(NamePattern("re:x").kind() == NamePattern::Kind::regex);
  CHECK(matched("re:block\\d+\\..*") == "bc");
  CHECK(matched("re:block[1-3]\\..*") == "b");
  CHECK(matched("re:conv1") == "");
  CHECK(matched("re:.*conv1.*") == "ab");
  CHECK(matched("re:(fc|conv1)\\.[ad]") == "ad");
  CHECK(matched("re:") == "");
}

TEST_CASE("a wrong regular expression says what is wrong", "[config]") {
  const auto problem = [](const std::string& text) {
    const NamePattern pattern(text);
    CHECK_FALSE(pattern.matches("conv1"));
    return pattern.problem();
  };
  CHECK(NamePattern("re:conv.").problem() == "");
  CHECK(problem("re:conv(1") ==
        "'conv(1' is no regular expression: a parenthesis is not closed or not opened, or there is "
        "nothing before a *, + or ? to repeat");
  CHECK_THAT(problem("re:conv[1"), Contains("square bracket is not closed"));
  CHECK_THAT(problem("re:*conv"), Contains("nothing before a *, + or ? to repeat"));
  CHECK_THAT(problem("re:[9-1]"), Contains("a range in square brackets ends before it begins"));
  CHECK_THAT(problem("re:a{2"), Contains("braces"));
  CHECK_THAT(problem("re:a\\"), Contains("backslash"));
}
