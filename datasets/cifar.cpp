#include "espalier/datasets/cifar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/byte_reader.h"
#include "espalier/datasets/memory_dataset.h"

namespace espalier::datasets {
namespace {

namespace fs = std::filesystem;

constexpr int64_t side = 32, channels = 3;
constexpr uint64_t plane = side * side;
constexpr uint64_t picture_bytes = plane * channels;

struct Format {
  std::string name;                      // also that of the usual folder, and what errors say
  std::string archive_folder;            // what the published archive unpacks to
  std::vector<std::string> train, test;  // files
  std::string names;                     // the file with the names of the classes
  std::vector<int> label_ranges;         // of each label byte; the last one is the class
  Normalisation normalisation;

  const std::vector<std::string>& files(Split split) const {
    return split == Split::train ? train : test;
  }
  uint64_t record_bytes() const { return label_ranges.size() + picture_bytes; }
};

std::string find_folder(const Format& format, const std::string& folder, Split split) {
  const fs::path base = folder.empty() ? "data" : folder;
  std::vector<std::string> places = {(base / format.name).string(),
                                     (base / format.archive_folder).string(),
                                     (base / format.name / format.archive_folder).string()};
  if (!folder.empty()) places.insert(places.begin(), folder);
  const std::vector<std::string>& files = format.files(split);
  for (const std::string& place : places) {
    const bool any = std::any_of(files.begin(), files.end(), [&](const std::string& file) {
      std::error_code ignored;
      return fs::exists(fs::path(place) / file, ignored);
    });
    if (any) return place;
  }
  throw Error(
      format.name,
      fmt::format("found no {} in {}; get the binary version (scripts/get-data {} DIR does) "
                  "and name its folder (for the program: --data DIR)",
                  files.front(), fmt::join(places, " or "), format.name));
}

// Adds the records of a file to the pictures.
void read_records(const Format& format, const std::string& path, Pictures& pictures) {
  ByteReader reader(format.name, path);
  std::vector<uint8_t> record(format.record_bytes());
  const size_t labels = format.label_ranges.size();
  for (uint64_t number = 0;; ++number) {
    const uint64_t got = reader.read(record.data(), record.size());
    if (got == 0 && number > 0) break;
    if (got < record.size()) {
      throw Error(format.name, fmt::format("{} is truncated: record {} has {} bytes and not {}; "
                                           "fetch it again",
                                           path, number, got, record.size()));
    }
    for (size_t i = 0; i < labels; ++i) {
      if (record[i] < format.label_ranges[i]) continue;
      throw Error(format.name,
                  fmt::format("{} gives record {} the label {}, which is not one of 0 … {}; is it "
                              "the binary version of {}?",
                              path, number, record[i], format.label_ranges[i] - 1, format.name));
    }
    pictures.labels.push_back(record[labels - 1]);
    const size_t start = pictures.pixels.size();
    pictures.pixels.resize(start + picture_bytes);
    const uint8_t* from = record.data() + labels;
    uint8_t* to = pictures.pixels.data() + start;
    for (uint64_t i = 0; i < plane; ++i) {
      for (uint64_t c = 0; c < channels; ++c) *to++ = from[c * plane + i];
    }
  }
  reader.expect_end();
}

// One name a line; the published files end in empty lines. No file, no names.
std::vector<std::string> read_names(const Format& format, const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> names;
  if (!file) return names;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(line);
  }
  const auto wanted = static_cast<size_t>(format.label_ranges.back());
  if (names.size() != wanted) {
    throw Error(format.name, fmt::format("{} has the names of {} classes and not of {}; fetch it "
                                         "again",
                                         path, names.size(), wanted));
  }
  return names;
}

DatasetPtr open(const Format& format, const std::string& folder, Split split) {
  const fs::path place = find_folder(format, folder, split);
  const std::vector<std::string>& files = format.files(split);
  Pictures pictures{.sample_shape = {side, side, channels},
                    .pixels = {},
                    .labels = {},
                    .classes = format.label_ranges.back(),
                    .normalisation = format.normalisation,
                    .class_names = read_names(format, (place / format.names).string())};
  uint64_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code missing;  // what is wrong shows when the file is read
    const uint64_t size = fs::file_size(place / file, missing);
    if (!missing) bytes += size;
  }
  pictures.pixels.reserve(bytes);
  for (const std::string& file : files) read_records(format, (place / file).string(), pictures);
  return std::make_shared<MemoryDataset>(std::move(pictures));
}

}  // namespace

DatasetPtr cifar10(const std::string& folder, Split split) {
  return open({.name = "cifar10",
               .archive_folder = "cifar-10-batches-bin",
               .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                         "data_batch_4.bin", "data_batch_5.bin"},
               .test = {"test_batch.bin"},
               .names = "batches.meta.txt",
               .label_ranges = {10},
               .normalisation = {.mean = {0.4914f, 0.4822f, 0.4465f},
                                 .deviation = {0.2470f, 0.2435f, 0.2616f}}},
              folder, split);
}

DatasetPtr cifar100(const std::string& folder, Split split) {
  return open({.name = "cifar100",
               .archive_folder = "cifar-100-binary",
               .train = {"train.bin"},
               .test = {"test.bin"},
               .names = "fine_label_names.txt",
               .label_ranges = {20, 100},
               .normalisation = {.mean = {0.5071f, 0.4865f, 0.4409f},
                                 .deviation = {0.2673f, 0.2564f, 0.2762f}}},
              folder, split);
}

}  // namespace espalier::datasets
