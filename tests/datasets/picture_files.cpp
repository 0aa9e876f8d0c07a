#include "picture_files.h"

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace espalier::testing {

void write_png(const std::string& path, const Shape& shape, const Bytes& pixels) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  const int height = static_cast<int>(shape[0]), width = static_cast<int>(shape[1]);
  const int channels = static_cast<int>(shape[2]);
  if (!stbi_write_png(path.c_str(), width, height, channels, pixels.data(), width * channels)) {
    throw std::runtime_error("cannot write " + path);
  }
}

Bytes plain_picture(const Shape& shape, uint8_t value) {
  return Bytes(static_cast<size_t>(shape.elements()), value);
}

void write_example_folder(const std::string& path, int classes, int pictures) {
  const Shape shape{12, 10, 3};
  uint32_t state = 1;
  for (int c = 0; c < classes; ++c) {
    for (int i = 0; i < pictures; ++i) {
      Bytes pixels = plain_picture(shape, static_cast<uint8_t>(50 * c));
      for (uint8_t& pixel : pixels) {
        state = state * 1664525 + 1013904223;
        pixel = static_cast<uint8_t>(pixel + (state >> 24) % 51);
      }
      const std::string name(1, static_cast<char>('a' + c));
      write_png(path + "/" + name + "/" + std::to_string(i) + ".png", shape, pixels);
    }
  }
}

}  // namespace espalier::testing
