#include "espalier/datasets/picture_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/byte_reader.h"

// The only place with stb's code. Static: a program that links us may have its own.
#define STBI_ASSERT(condition) ((void)0)  // a library does not end the program
#define STBIR_ASSERT(condition) ((void)0)
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_PIC
#define STBI_NO_PSD
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#define STB_IMAGE_RESIZE_STATIC
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb/stb_image_resize.h>

namespace espalier::datasets {
namespace {

constexpr std::array<std::string_view, 8> endings = {".png", ".jpg", ".jpeg", ".bmp",
                                                     ".gif", ".tga", ".pgm",  ".ppm"};

// A file in memory, for stb to read from. When stb asks for more than there is, it goes on with
// zeros for most formats; here that is noticed.
struct Source {
  std::vector<uint8_t> bytes;
  size_t position = 0;
  bool past_end = false;

  size_t left() const { return bytes.size() - position; }
};

// What stb asks for when it fills its own buffer, as opposed to reading what it must have.
constexpr int buffer_fill = sizeof(stbi__context::buffer_start);

int read_source(void* user, char* data, int size) {
  Source& source = *static_cast<Source*>(user);
  const size_t wanted = static_cast<size_t>(size), got = std::min(wanted, source.left());
  std::copy_n(source.bytes.data() + source.position, got, data);
  std::memset(data + got, 0, wanted - got);
  source.position += got;
  if (got == 0 || (got < wanted && size != buffer_fill)) source.past_end = true;
  return static_cast<int>(got);
}

void skip_source(void* user, int count) {
  Source& source = *static_cast<Source*>(user);
  const auto wanted = static_cast<size_t>(std::max(count, 0));
  if (wanted > source.left()) source.past_end = true;
  source.position += std::min(wanted, source.left());
}

int at_end_of_source(void* user) {
  return static_cast<Source*>(user)->left() == 0;
}

Source open_source(const std::string& path) {
  ByteReader reader("picture", path);
  Source source;
  source.bytes.resize(reader.file_size());
  source.bytes.resize(reader.read(source.bytes.data(), source.bytes.size()));
  return source;
}

}  // namespace

bool has_picture_name(const std::string& path) {
  std::string ending = std::filesystem::path(path).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

Shape picture_shape(const std::string& path) {
  Source source = open_source(path);
  const stbi_io_callbacks callbacks = {read_source, skip_source, at_end_of_source};
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_callbacks(&callbacks, &source, &width, &height, &channels))
    throw Error("picture", fmt::format("{} is truncated or no picture", path));
  if (height < 1 || width < 1) throw Error("picture", fmt::format("{} has no pixels", path));
  return {height, width, channels};
}

void read_picture(const std::string& path, const Shape& shape, uint8_t* pixels) {
  if (shape.axes() != 3 || shape.elements() < 1 || (shape[2] != 1 && shape[2] != 3) ||
      shape.elements() > std::numeric_limits<int>::max()) {
    throw Error("picture",
                fmt::format("pictures are read as H×W×1 or H×W×3, not as {}", shape.to_string()));
  }
  Source source = open_source(path);
  const stbi_io_callbacks callbacks = {read_source, skip_source, at_end_of_source};
  const int height = static_cast<int>(shape[0]), width = static_cast<int>(shape[1]);
  const int channels = static_cast<int>(shape[2]);
  int file_width = 0, file_height = 0, file_channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> decoded(
      stbi_load_from_callbacks(&callbacks, &source, &file_width, &file_height, &file_channels,
                               channels),
      stbi_image_free);
  if (source.past_end) {
    throw Error("picture", fmt::format("{} is truncated or no picture", path));
  }
  if (!decoded) {
    throw Error("picture", fmt::format("{} cannot be decoded: {}", path, stbi_failure_reason()));
  }
  if (file_height < 1 || file_width < 1)
    throw Error("picture", fmt::format("{} has no pixels", path));
  if (file_height == height && file_width == width) {
    std::memcpy(pixels, decoded.get(), static_cast<size_t>(shape.elements()));
    return;
  }
  const int resized =
      stbir_resize_uint8_generic(decoded.get(), file_width, file_height, 0, pixels, width, height,
                                 0, channels, STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP,
                                 STBIR_FILTER_TRIANGLE, STBIR_COLORSPACE_LINEAR, nullptr);
  if (!resized) {
    throw Error("picture", fmt::format("{} of {}×{} pixels cannot be resized to {}×{}: too little "
                                       "memory",
                                       path, file_height, file_width, height, width));
  }
}

}  // namespace espalier::datasets
