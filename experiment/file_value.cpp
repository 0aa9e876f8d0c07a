#include "espalier/experiment/file_value.h"

#include <filesystem>

namespace espalier::experiment {

namespace fs = std::filesystem;

std::string path_in(const compress::Value& text) {
  const fs::path path = text.as_text();
  if (path.is_absolute() || !text.position().known()) return path.string();
  return (fs::path(*text.position().file).parent_path() / path).string();
}

std::string absolute_path_in(const compress::Value& text) {
  return fs::absolute(path_in(text)).lexically_normal().string();
}

}  // namespace espalier::experiment
