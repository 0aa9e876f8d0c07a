#include "espalier/experiment/teacher.h"

#include <fmt/format.h>

#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/experiment/start_weights.h"
#include "espalier/nn/io/checksum.h"

namespace espalier::experiment {
namespace {

using compress::ConfigError;

int64_t checksum_of(const std::string& path) {
  return nn::checksum(read_file(path));
}

}  // namespace

Teacher load_teacher(const TeacherConfig& config, const ModelConfig& student) {
  const auto fail = [&](const std::string& why) {
    return ConfigError(config.position, "the teacher '" + config.run + "' " + why);
  };
  const std::string weights = weights_of_run(config.run, "the teacher", config.position);
  Teacher teacher{read_run(config.run), config.run, checksum_of(weights)};
  const ModelConfig& model = teacher.run.config.model;
  if (model.sample != student.sample) {
    throw fail(fmt::format("is a {} for pictures of {}, but its student {} takes {}", model.name,
                           model.sample.to_string(), student.name, student.sample.to_string()));
  }
  if (model.classes != student.classes) {
    throw fail(fmt::format("is a {} that tells {} classes apart, but its student {} {}", model.name,
                           model.classes, student.name, student.classes));
  }
  teacher.run.model.eval();
  return teacher;
}

}  // namespace espalier::experiment
