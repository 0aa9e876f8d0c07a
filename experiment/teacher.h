#pragma once

#include <cstdint>
#include <string>

#include "espalier/experiment/recorded_run.h"
#include "espalier/experiment/teacher_config.h"

namespace espalier::experiment {

/// A trained network that another one learns from.
struct Teacher {
  RecordedRun run;
  std::string folder;
  int64_t checksum;  ///< CRC-32 of its file of weights: tells a changed teacher
};

/// Loads the teacher of a training. A run that was compressed teaches with its effective weights.
/// \throws ConfigError when the folder holds no run with weights, or when teacher and student take
/// different pictures or tell different numbers of classes apart
Teacher load_teacher(const TeacherConfig& config, const ModelConfig& student);

}  // namespace espalier::experiment
