#pragma once

#include <string>

/// Paths that are not what a command takes. What they are instead, or what was probably meant, is
/// in the error, with the command that would be right.
namespace espalier::app {

/// \throws UsageError unless there is a file to read a configuration or a network from
void require_config(const std::string& path);
/// \throws UsageError unless the folder holds a run
void require_run(const std::string& folder);
/// \throws UsageError unless there is such a file, for an exported network
void require_exported(const std::string& path);
/// \throws UsageError if a file that is to be written is one of the run's own
void require_not_of_run(const std::string& file, const std::string& run);
/// \throws UsageError unless there is a folder for a file that is to be written after long work
void require_folder_of(const std::string& file);

}  // namespace espalier::app
