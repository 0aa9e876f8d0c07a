#pragma once

#include <string>
#include <string_view>

#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// What an unquoted word of a YAML file means:
///
/// - empty, `~`, `null`: nothing
/// - `true`/`false`, `yes`/`no`, `on`/`off` (also `True`, `TRUE`): a truth value, as in YAML 1.1
/// - `12`, `-3`: an integer; `0.5`, `.5`, `5.`, `1e-3`: a real number, and so is an integer that
///   does not fit 64 signed bits
/// - everything else is text. That includes what tools disagree about (`0x10`, `010`, `60_000`,
///   `1:30`) and what is no usable option (`.nan`, `.inf`, `1e999`): where a number is needed, the
///   message then shows the word as it was written.
Value plain_scalar(std::string_view word);

/// A null, truth value, number or text as one word; plain_scalar reads it back, except text that
/// must be quoted. A real always looks like one (`1.0`). Lists and maps throw ConfigError.
std::string scalar_text(const Value& scalar);

/// The shortest text that reads back as the same number: `1`, `0.05`, `1e-05`.
std::string number_text(double number);

/// Text in quotes for a message: one line, and cut if it is long.
std::string quoted(std::string_view text);

}  // namespace espalier::compress
