#include "espalier/experiment/kernel_choices.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "espalier/autograd/kernels.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/yaml.h"

namespace espalier::experiment {
namespace {

using compress::ConfigError;
using compress::Member;
using compress::Value;

Value content(const Value& value) {
  if (!value.is_text()) return value;
  std::filesystem::path path = value.as_text();
  if (const compress::Position& position = value.position(); position.known())
    path = std::filesystem::path(*position.file).parent_path() / path;
  return compress::read_yaml_file(path.string());
}

void check(const Member& choice) {
  const std::string operation = choice.key.substr(0, choice.key.find(' '));
  std::vector<std::string> operations;
  for (const OperationKernels& known : known_kernels()) {
    operations.push_back(known.operation);
    if (known.operation != operation) continue;
    const std::string kernel = choice.value.is_text() ? choice.value.as_text() : "";
    if (std::find(known.kernels.begin(), known.kernels.end(), kernel) != known.kernels.end())
      return;
    throw ConfigError(choice.value.position(),
                      fmt::format("{} has no kernel {}; it has {}", operation,
                                  choice.value.describe(), fmt::join(known.kernels, ", ")));
  }
  throw ConfigError(choice.key_position,
                    fmt::format("there is no operation '{}'{}", operation,
                                compress::did_you_mean(operation, operations)));
}

}  // namespace

KernelChoices read_kernel_choices(const Value& value) {
  const Value map = content(value);
  if (!map.is_map()) {
    throw ConfigError(map.position(),
                      "kernels must be a map of operations to kernels, or a file of "
                      "one, not " +
                          map.describe());
  }
  KernelChoices kernels;
  for (const Member& choice : map.as_map()) {
    check(choice);
    kernels[choice.key] = choice.value.as_text();
  }
  return kernels;
}

Value to_value(const KernelChoices& kernels) {
  Value map = Value::map();
  for (const auto& [operation, kernel] : kernels) map.set(operation, kernel);
  return map;
}

}  // namespace espalier::experiment
