// Classifies pictures with an exported network:
//
//   classify NET.esp PICTURE…
//
// Pictures are binary PGM (one channel) or PPM (three) of the network's size, as most programs for
// pictures can write.
#include <espalier/compress/runtime/runtime.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

namespace {

using Closed = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

std::vector<unsigned char> read_file(const char* path) {
  std::vector<unsigned char> bytes;
  const Closed file(std::fopen(path, "rb"), std::fclose);
  if (!file) return bytes;
  unsigned char part[4096];
  for (size_t n; (n = std::fread(part, 1, sizeof part, file.get())) > 0;)
    bytes.insert(bytes.end(), part, part + n);
  return bytes;
}

/// The next number of a picture's header, behind lines of comments; −1: there is none.
int header_number(std::FILE* file) {
  char comment[2];
  while (std::fscanf(file, " %1[#]%*[^\n]", comment) == 1) continue;
  int number = -1;
  return std::fscanf(file, "%d", &number) == 1 ? number : -1;
}

/// Fills `pixels`. \return what is wrong, or null
const char* read_picture(const char* path, const espalier::runtime::Model& model,
                         std::vector<unsigned char>& pixels) {
  const Closed file(std::fopen(path, "rb"), std::fclose);
  if (!file) return "cannot be opened";
  int kind = 0;
  if (std::fscanf(file.get(), "P%d", &kind) != 1 || (kind != 5 && kind != 6))
    return "is no binary PGM or PPM file";
  const int width = header_number(file.get()), height = header_number(file.get());
  if (header_number(file.get()) != 255) return "is no binary PGM or PPM file with 8 bits";
  if (width != model.input_width() || height != model.input_height() ||
      (kind == 5 ? 1 : 3) != model.input_channels())
    return "has another size than the network takes";
  std::fgetc(file.get());  // one white space ends the header
  pixels.resize(static_cast<size_t>(model.input_size()));
  return std::fread(pixels.data(), 1, pixels.size(), file.get()) == pixels.size() ? nullptr
                                                                                  : "is cut off";
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: classify NET.esp PICTURE...\n");
    return 2;
  }
  const std::vector<unsigned char> bytes = read_file(arguments[1]);
  espalier::runtime::Model model;
  auto status = espalier::runtime::load(bytes.data(), bytes.size(), {}, model);
  if (!status.ok()) {
    std::fprintf(stderr, "classify: %s: %s\n", arguments[1], status.message());
    return 1;
  }
  std::vector<char> arena(model.arena_bytes(1));
  std::vector<float> scores(static_cast<size_t>(model.output_size()));
  std::vector<unsigned char> pixels;
  bool failed = false;
  for (int i = 2; i < count; ++i) {
    if (const char* problem = read_picture(arguments[i], model, pixels)) {
      std::fprintf(stderr, "classify: %s %s\n", arguments[i], problem);
      failed = true;
      continue;
    }
    status = model.run(pixels.data(), 1, scores.data(), arena.data(), arena.size());
    if (!status.ok()) {
      std::fprintf(stderr, "classify: %s: %s\n", arguments[i], status.message());
      return 1;
    }
    const auto best = std::max_element(scores.begin(), scores.end());
    const auto answer = static_cast<int>(best - scores.begin());
    const char* name = model.class_name(answer);
    std::printf("%s: class %d%s%s, score %.3f\n", arguments[i], answer, name ? " " : "",
                name ? name : "", static_cast<double>(*best));
  }
  return failed ? 1 : 0;
}
