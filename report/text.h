#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Numbers and words as people read them, and text as HTML takes it. What belongs together is
/// joined by spaces at which no line breaks (U+00A0).
namespace espalier::report {

/// `1,234,567`.
std::string grouped(int64_t number);
/// `90.12 %` for the fraction 0.9012.
std::string percent(double fraction, int decimals);
/// A fraction with as many decimals as it needs: `0.25 %`, `42.1 %`, `99.02 %`, `100 %`.
std::string share(double fraction);
/// `812 bytes`, `5.16 kB`, `1.72 MB`: three digits, thousands of bytes.
std::string byte_size(int64_t bytes);
/// `812`, `4.31 k`, `2.29 M`, `41 G`.
std::string short_count(int64_t count);
/// Three significant digits without a power of ten where that is short: `0.0123`, `12.3`, `1,234`.
std::string short_number(double number);
/// Microseconds: `85.2 µs`, `1.31 ms`, `2.05 s`.
std::string micros(double microseconds);
/// How many times: `2.4×`, `331×`.
std::string times(double ratio);
/// `8` or `4.25`.
std::string bit_width(double bits);
/// `20×1×5×5`.
std::string shape_text(const std::vector<int64_t>& shape);

/// Text where HTML wants text, or a quoted attribute: `<`, `>`, `&`, `"` and `'` are written as
/// character references.
std::string escaped(std::string_view text);
/// Bytes as text, RFC 4648 §4.
std::string base64(const std::vector<uint8_t>& bytes);

}  // namespace espalier::report
