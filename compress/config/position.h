#pragma once

#include <memory>
#include <string>

namespace espalier::compress {

/// Where in a configuration file something was written. Default-constructed it means "not from a
/// file": the value was given in code or on the command line.
struct Position {
  /// The file's name as the user gave it, shared by everything read from that file.
  std::shared_ptr<const std::string> file;
  /// Line and column count from 1; 0 means unknown.
  int line = 0;
  int column = 0;

  /// True if the position points into a file.
  bool known() const { return file != nullptr; }

  /// `train.yaml:12:7`, or `train.yaml` without a line, or an empty text if unknown.
  std::string text() const {
    if (!known()) return {};
    if (line <= 0) return *file;
    return *file + ":" + std::to_string(line) + ":" + std::to_string(column);
  }
};

}  // namespace espalier::compress
