#pragma once

#include <string>

#include "arguments.h"
#include "espalier/experiment/train_config.h"

namespace espalier::app {

/// Reads a configuration file with what the command line says instead: `--epochs`, `--batch`,
/// `--lr`, `--seed`, `--threads`, `--data`, `--compress`, `--from`, `--teacher`, whose other
/// options the file may give; `--plugin` comes to those of the file. \throws ConfigError for the
/// file, UsageError for the command line
experiment::TrainConfig read_train_config(const std::string& path, const Arguments& arguments);

}  // namespace espalier::app
