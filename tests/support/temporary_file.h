#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace espalier::test {

/// A file with this content, gone at the end of the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content, const std::string& ending = ".yaml")
      : path_(std::filesystem::temp_directory_path() /
              ("espalier_test_" + std::to_string(std::random_device{}()) + ending)) {
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string path() const { return path_.string(); }
  std::string name() const { return path_.filename().string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace espalier::test
