#include "espalier/datasets/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/byte_reader.h"
#include "espalier/datasets/memory_dataset.h"

namespace espalier::datasets {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view image_kind = "images-idx3-ubyte";
constexpr std::string_view label_kind = "labels-idx1-ubyte";

uint32_t big_endian(const uint8_t* bytes) {
  return uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3];
}

template <int axes>
std::array<int64_t, axes> read_header(ByteReader& reader, std::string_view content) {
  // Two zero bytes, the type (8: unsigned byte), the number of axes; then the extents.
  constexpr uint32_t magic = 0x0800 + axes;
  std::array<uint8_t, 4 * (1 + axes)> bytes{};
  const uint64_t got = reader.read(bytes.data(), bytes.size());
  if (got >= 4 && big_endian(bytes.data()) != magic) {
    throw Error("idx", fmt::format("{} does not hold {}: its magic number is 0x{:08x} and not "
                                   "0x{:08x}; is it the right file?",
                                   reader.path(), content, big_endian(bytes.data()), magic));
  }
  if (got < bytes.size()) {
    throw Error("idx", fmt::format("{} is truncated: {} bytes are too few for a header; fetch it "
                                   "again",
                                   reader.path(), got));
  }
  std::array<int64_t, axes> extents;
  for (size_t axis = 0; axis < axes; ++axis) {
    extents[axis] = big_endian(&bytes[4 * (axis + 1)]);
    if (extents[axis] == 0) {
      throw Error(
          "idx", fmt::format("{} is empty: its header announces {} {}", reader.path(),
                             fmt::join(extents.begin(), extents.begin() + axis + 1, "×"), content));
    }
  }
  return extents;
}

std::vector<uint8_t> read_values(ByteReader& reader, uint64_t samples, uint64_t sample_size,
                                 std::string_view content) {
  const auto truncated = [&](const std::string& found) {
    return Error("idx",
                 fmt::format("{} is truncated: its header announces {} {} of {} bytes but {}; "
                             "fetch it again",
                             reader.path(), samples, content, sample_size, found));
  };
  if (samples > reader.most_bytes() / sample_size) {
    throw truncated(fmt::format("the file has {} bytes", reader.file_size()));
  }
  std::vector<uint8_t> values(samples * sample_size);
  const uint64_t got = reader.read(values.data(), values.size());
  if (got < values.size()) throw truncated(fmt::format("{} bytes follow it", got));
  reader.expect_end();
  return values;
}

std::string split_name(Split split) {
  return split == Split::train ? "train" : "t10k";
}

// `train-images-idx3-ubyte` and its variants: some archives write `train-images.idx3-ubyte`.
std::vector<std::string> names_of(Split split, std::string_view kind) {
  const std::string name = fmt::format("{}-{}", split_name(split), kind);
  std::string dotted = name;
  dotted[dotted.find("-idx")] = '.';
  return {name, name + ".gz", dotted, dotted + ".gz"};
}

// The first of the names that is a file in the folder; empty if none is.
std::string find_file(const std::string& folder, Split split, std::string_view kind) {
  for (const std::string& name : names_of(split, kind)) {
    std::error_code ignored;
    const fs::path path = fs::path(folder) / name;
    if (fs::is_regular_file(path, ignored)) return path.string();
  }
  return {};
}

std::string file_or_error(const std::string& folder, Split split, std::string_view kind) {
  std::string path = find_file(folder, split, kind);
  if (path.empty()) {
    throw Error("idx", fmt::format("the folder {} has none of {}", folder,
                                   fmt::join(names_of(split, kind), ", ")));
  }
  return path;
}

}  // namespace

DatasetPtr read_idx(const IdxFiles& files, const IdxOptions& options) {
  if (options.classes < 1 || options.classes > 256) {
    throw Error("idx",
                fmt::format("{} classes cannot be: labels are bytes, so 1 … 256", options.classes));
  }
  // Labels first: they are read in no time, so most mistakes show before the pictures are.
  ByteReader label_reader("idx", files.labels);
  const auto [label_count] = read_header<1>(label_reader, "labels");
  const std::vector<uint8_t> labels =
      read_values(label_reader, static_cast<uint64_t>(label_count), 1, "labels");
  const auto wrong = std::find_if(labels.begin(), labels.end(),
                                  [&](uint8_t label) { return label >= options.classes; });
  if (wrong != labels.end()) {
    throw Error("idx",
                fmt::format("{} gives sample {} the label {}, which is not one of 0 … {}; "
                            "set the number of classes",
                            files.labels, wrong - labels.begin(), *wrong, options.classes - 1));
  }

  ByteReader image_reader("idx", files.images);
  const auto [count, height, width] = read_header<3>(image_reader, "pictures");
  if (count != label_count) {
    throw Error("idx", fmt::format("{} has {} pictures but {} has {} labels; they are not of one "
                                   "data set",
                                   files.images, count, files.labels, label_count));
  }
  std::vector<uint8_t> pixels =
      read_values(image_reader, static_cast<uint64_t>(count),
                  static_cast<uint64_t>(height) * static_cast<uint64_t>(width), "pictures");
  return std::make_shared<MemoryDataset>(
      Pictures{.sample_shape = {height, width, 1},
               .pixels = std::move(pixels),
               .labels = std::vector<int32_t>(labels.begin(), labels.end()),
               .classes = options.classes,
               .normalisation = options.normalisation,
               .class_names = options.class_names});
}

DatasetPtr open_idx(const std::string& folder, Split split, const IdxOptions& options) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error("idx", fmt::format("there is no folder {}; it should hold {} and {}", folder,
                                   fmt::join(names_of(split, image_kind), " or "),
                                   names_of(split, label_kind).front()));
  }
  return read_idx({.images = file_or_error(folder, split, image_kind),
                   .labels = file_or_error(folder, split, label_kind)},
                  options);
}

bool has_idx_images(const std::string& folder, Split split) {
  return !find_file(folder, split, image_kind).empty();
}

}  // namespace espalier::datasets
