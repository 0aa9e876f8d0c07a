#include "espalier/report/text.h"

#include <catch2/catch.hpp>

using namespace espalier;

TEST_CASE("text: numbers in three digits, in the largest unit that fits") {
  CHECK(report::byte_size(0) == "0\u00a0bytes");
  CHECK(report::byte_size(999) == "999\u00a0bytes");
  CHECK(report::byte_size(5156) == "5.16\u00a0kB");
  CHECK(report::byte_size(20000) == "20\u00a0kB");
  CHECK(report::byte_size(999600) == "1\u00a0MB");
  CHECK(report::byte_size(1724320) == "1.72\u00a0MB");
  CHECK(report::short_count(430500) == "430\u00a0k");
  CHECK(report::short_count(2293000) == "2.29\u00a0M");
  CHECK(report::micros(41.23) == "41.2\u00a0µs");
  CHECK(report::micros(1305) == "1.3\u00a0ms");
  CHECK(report::times(334.4) == "334×");
  CHECK(report::times(2.44) == "2.4×");
  CHECK(report::bit_width(8) == "8");
  CHECK(report::bit_width(4.333) == "4.33");
  CHECK(report::grouped(-1234567) == "-1,234,567");
  CHECK(report::shape_text({20, 5, 5, 1}) == "20×5×5×1");
}

TEST_CASE("text: small and large numbers without powers of ten where they are short") {
  CHECK(report::short_number(0) == "0");
  CHECK(report::short_number(0.0123456) == "0.0123");
  CHECK(report::short_number(-1.5) == "−1.5");
  CHECK(report::short_number(12345.6) == "12,346");
  CHECK(report::short_number(0.00001) == "1.00e-05");
}

TEST_CASE("text: shares have decimals where they are near an end") {
  CHECK(report::share(0) == "0\u00a0%");
  CHECK(report::share(1) == "100\u00a0%");
  CHECK(report::share(0.421) == "42.1\u00a0%");
  CHECK(report::share(0.9902) == "99.02\u00a0%");
  CHECK(report::share(0.0004) == "0.040\u00a0%");
  CHECK(report::percent(0.98765, 2) == "98.77\u00a0%");
}

TEST_CASE("text: what HTML would take for its own") {
  CHECK(report::escaped("<a href='x'>\"R&D\"</a>") ==
        "&lt;a href=&#39;x&#39;&gt;&quot;R&amp;D&quot;&lt;/a&gt;");
}

TEST_CASE("text: bytes in base 64, from RFC 4648 §10") {
  const auto coded = [](const std::string& text) {
    return report::base64({text.begin(), text.end()});
  };
  CHECK(coded("") == "");
  CHECK(coded("f") == "Zg==");
  CHECK(coded("fo") == "Zm8=");
  CHECK(coded("foo") == "Zm9v");
  CHECK(coded("foobar") == "Zm9vYmFy");
  CHECK(report::base64({0xff, 0xfe, 0xfd}) == "//79");
}
