#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "espalier/compress/config/value.h"

namespace espalier::app {

/// The command line is wrong; the program prints the text and exits with code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// An option of a command.
struct Option {
  std::string name;   ///< without dashes
  std::string value;  ///< what stands for its value in the help text; empty: a switch
  std::string help;
  char letter = 0;       ///< for `-o`; 0: none
  bool several = false;  ///< may be given more than once
};

/// What a command takes, and its help text.
struct Usage {
  std::string command;      ///< `train`
  std::string positional;   ///< `CONFIG.yaml`
  std::string description;  ///< a sentence or two
  std::vector<Option> options;
  std::string examples;  ///< whole lines, below the options
};

/// A command line taken apart.
struct Arguments {
  std::vector<std::string> positional;
  /// By option; of a repeated one the last; switches: "".
  std::map<std::string, std::string> values;
  /// Of options that may be given more than once: all, in their order; `values` has the last.
  std::map<std::string, std::vector<std::string>> lists;

  bool has(const std::string& option) const { return values.count(option) > 0; }
};

/// Takes a command line apart. If it asks for help, prints that and returns nothing.
/// \throws UsageError for unknown options and missing values, with the nearest known option
std::optional<Arguments> parse(const Usage& usage, int argc, char** argv);

/// The value of an option as the configuration reader wants it: its word read as in a file, and
/// `--epochs` standing in messages where a file's name would. So one set of checks serves both.
compress::Value option_value(const Arguments& arguments, const std::string& option);

/// The command line that was taken apart, for a shell: `espalier quantize runs/lenet5 --out q`.
std::string command_line(const Usage& usage, const Arguments& arguments);

}  // namespace espalier::app
