#pragma once

#include <cstdint>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "espalier/compress/export/c_source.h"
#include "espalier/compress/file/reference.h"

namespace espalier::test {

namespace file = compress::file;

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

inline std::string as_c_list(const std::vector<int64_t>& numbers) {
  std::string text;
  for (const int64_t number : numbers) text += std::to_string(number) + ",";
  return text;
}

/// Writes into a folder NAME.c and NAME.h, as the generator gives them, and NAME_check.c with
/// `int NAME_check(void)`: how many scores, for some inputs, are not those of the reference, or
/// 1000 if `NAME_run` wrote outside of what it was given.
inline void write_c_check(const std::string& folder, const std::string& name,
                          const file::Network& network, int inputs = 6) {
  const std::string path = folder + "/" + name;
  write_text(path + ".c", compress::c_source(network, {.name = name}));
  write_text(path + ".h", compress::c_header(network, {.name = name}));

  const file::Reference reference(network);
  size_t bytes = 1;
  for (const int64_t extent : network.values[0].shape) bytes *= static_cast<size_t>(extent);
  std::mt19937 random(7);
  std::vector<int64_t> pixels, scores;
  for (int n = 0; n < inputs; ++n) {
    std::vector<uint8_t> picture(bytes);
    for (uint8_t& pixel : picture) {
      // Dark, bright and any.
      pixel = static_cast<uint8_t>(n == 0 ? 0 : n == 1 ? 255 : random() % 256);
    }
    pixels.insert(pixels.end(), picture.begin(), picture.end());
    const auto values = reference.all_values(reference.of_pixels(picture));
    scores.insert(scores.end(), values.back().codes.begin(), values.back().codes.end());
  }
  const std::string classes = std::to_string(scores.size() / static_cast<size_t>(inputs));
  const std::string count = std::to_string(inputs), size = std::to_string(bytes);
  std::string capitals = name;
  for (char& c : capitals) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  write_text(
      path + "_check.c",
      "#include \"" + name + ".h\"\n" + "static const uint8_t pixels[] = {" + as_c_list(pixels) +
          "};\n" + "static const int8_t expected[] = {" + as_c_list(scores) + "};\n" +
          "static uint32_t arena[" + capitals + "_ARENA_BYTES / 4 + 1];\n" +
          "static int8_t scores[" + classes + " + 1];\n" + "int " + name + "_check(void);\n" +
          "int " + name + "_check(void) {\n" + "  const int words = " + capitals +
          "_ARENA_BYTES / 4;\n" + "  int n, k, wrong = 0;\n" + "  if (" + capitals +
          "_CLASSES != " + classes + " || " + capitals + "_INPUT_BYTES != " + size +
          ") return 1000;\n" + "  for (n = 0; n < " + count + "; ++n) {\n" +
          "    for (k = 0; k <= words; ++k) arena[k] = 0xA5A5A5A5u;\n" + "    scores[" + classes +
          "] = 77;\n" + "    " + name + "_run(pixels + n * " + size + ", scores, arena);\n" +
          "    for (k = 0; k < " + classes + "; ++k) wrong += scores[k] != expected[n * " +
          classes + " + k];\n" + "    if (arena[words] != 0xA5A5A5A5u || scores[" + classes +
          "] != 77) return 1000;\n" + "  }\n  return wrong;\n}\n");
}

/// Writes `check_all.c` with `int check_all(void (*say)(const char *text))`, which runs the checks
/// of these names, says which are wrong, and returns how many.
inline void write_check_of_all(const std::string& folder, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += "int " + name + "_check(void);\n";
  text +=
      "int check_all(void (*say)(const char *text));\n"
      "int check_all(void (*say)(const char *text)) {\n  int wrong = 0;\n";
  for (const std::string& name : names) {
    text += "  if (" + name + "_check() != 0) {\n    say(\"wrong: " + name +
            "\\n\");\n    ++wrong;\n  }\n";
  }
  text += "  say(wrong ? \"some networks are wrong\\n\" : \"all " + std::to_string(names.size()) +
          " networks are right\\n\");\n  return wrong;\n}\n";
  write_text(folder + "/check_all.c", text);
}

}  // namespace espalier::test
