#pragma once

#include <string>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/experiment/model_config.h"

namespace espalier::test {

inline experiment::ModelConfig model_of(const std::string& yaml) {
  return experiment::ModelConfig::from(compress::parse_yaml(yaml, "net.yaml"));
}

/// The error of a configuration without `[config] `.
inline std::string error_of(const std::string& yaml) {
  try {
    model_of(yaml);
  } catch (const compress::ConfigError& error) {
    const std::string start = "[config] ", text = error.what();
    return text.rfind(start, 0) == 0 ? text.substr(start.size()) : text;
  }
  return "no error";
}

}  // namespace espalier::test
