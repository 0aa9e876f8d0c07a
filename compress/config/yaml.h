#pragma once

#include <string>
#include <string_view>

#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// Reads a configuration file. Every value and key knows its line and column; an empty file is the
/// null value. Unquoted words are read as plain_scalar (scalar.h) says, quoted ones are text, keys
/// are always text. Anchors and aliases work.
///
/// Throws ConfigError, in one line `file:line:column: what`, for: a file that cannot be read or is
/// no text, wrong syntax, a quote that is never closed, a key that comes twice in one map, a key
/// that is no single word, a merge key (`<<`), a tag other than `!!str`, an alias inside its own
/// anchor, more than one document.
Value read_yaml_file(const std::string& path);

/// The same for text; `name` stands in messages where a file's name would.
Value parse_yaml(std::string_view text, std::string_view name);

/// Writes a value as YAML that parse_yaml reads back as an equal value (numbers that are not finite
/// come back as text). Short maps and lists of scalars are put on one line: `SGD: {lr: 0.05}`.
std::string to_yaml(const Value& value);

}  // namespace espalier::compress
