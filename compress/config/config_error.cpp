#include "espalier/compress/config/config_error.h"

#include <string>

namespace espalier::compress {
namespace {

std::string located(const Position& position, std::string_view what) {
  if (!position.known()) return std::string(what);
  return position.text() + ": " + std::string(what);
}

}  // namespace

ConfigError::ConfigError(std::string_view what) : Error("config", what) {}

ConfigError::ConfigError(const Position& position, std::string_view what)
    : Error("config", located(position, what)) {}

}  // namespace espalier::compress
