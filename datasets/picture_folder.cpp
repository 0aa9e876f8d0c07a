#include "espalier/datasets/picture_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <exception>
#include <filesystem>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/core/random.h"
#include "espalier/datasets/memory_dataset.h"
#include "espalier/datasets/picture_file.h"

namespace espalier::datasets {
namespace {

namespace fs = std::filesystem;

template <typename... Arguments>
[[noreturn]] void fail(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
  throw Error("picture folder", fmt::format(text, std::forward<Arguments>(arguments)...));
}

struct Entry {
  std::string path;
  int32_t label;
  uint64_t order;
  bool chosen;  // for testing, unless the folder says itself what is
};
using Entries = std::vector<Entry>;

// The randomness that a name stands for.
class NameRandom {
 public:
  NameRandom(uint64_t seed, const std::string& name)
      : random_(seed, Purpose::data_split, name_index(name)) {}

  bool chosen(double fraction) const { return random_.uniform(0) < fraction; }
  uint64_t order() const { return uint64_t{random_.bits(1)} << 32 | random_.bits(2); }

 private:
  RandomStream random_;
};

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

void require_folder(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return;
  if (fs::exists(path, ignored)) {
    fail("{} is a file; it should be a folder with a folder for each class", path.string());
  }
  fail("there is no folder {}; it should hold a folder of pictures for each class", path.string());
}

// The names of the folders in a folder, sorted.
std::vector<std::string> class_names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (is_hidden(entry.path())) continue;
    if (entry.is_directory()) {
      names.push_back(entry.path().filename().string());
    } else if (has_picture_name(entry.path().string())) {
      fail("{} is a picture outside of a class; put it into the folder of its class",
           entry.path().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> pictures_in(const fs::path& folder) {
  std::vector<std::string> paths;
  for (fs::recursive_directory_iterator entry(folder), end; entry != end; ++entry) {
    if (is_hidden(entry->path())) {
      if (entry->is_directory()) entry.disable_recursion_pending();
    } else if (entry->is_regular_file() && has_picture_name(entry->path().string())) {
      paths.push_back(entry->path().string());
    }
  }
  if (paths.empty()) {
    fail(
        "the class {} has no pictures (PNG, JPEG, BMP, GIF, TGA, PGM or PPM); add some, or remove "
        "it",
        folder.string());
  }
  return paths;
}

// The pictures of all classes in `folder`, which is `root` or in it, in their order.
Entries entries_in(const fs::path& root, const fs::path& folder,
                   const std::vector<std::string>& classes, const PictureFolderOptions& options) {
  Entries entries;
  for (const std::string& name : class_names_in(folder)) {
    const auto place = std::lower_bound(classes.begin(), classes.end(), name);
    if (place == classes.end() || *place != name) {
      fail("the class {} has no training pictures: there is no {} beside it",
           (folder / name).string(), (root / "train" / name).string());
    }
    const auto label = static_cast<int32_t>(place - classes.begin());
    for (const std::string& path : pictures_in(folder / name)) {
      const std::string relative = fs::path(path).lexically_relative(root).generic_string();
      const NameRandom random(options.split_seed, relative);
      entries.push_back({path, label, random.order(), random.chosen(options.test_fraction)});
    }
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.order != b.order ? a.order < b.order : a.path < b.path;
  });
  return entries;
}

// The subfolder with the test pictures of a folder that is split already; empty for others.
fs::path test_folder(const fs::path& root) {
  if (!fs::is_directory(root / "train")) return {};
  for (const char* name : {"test", "val"}) {
    if (fs::is_directory(root / name)) return root / name;
  }
  return {};
}

fs::path train_folder(const fs::path& root) {
  return test_folder(root).empty() ? root : root / "train";
}

// The classes of a folder of training pictures.
std::vector<std::string> classes_in(const fs::path& train) {
  std::vector<std::string> classes = class_names_in(train);
  if (classes.size() < 2) {
    fail("{} has {}; there should be a folder of pictures for each of two classes or more",
         train.string(),
         classes.empty() ? "no folders in it"
                         : fmt::format("the one folder {} in it", classes.front()));
  }
  return classes;
}

struct Halves {
  std::vector<std::string> classes;
  Entries train, test;
};

Halves list(const fs::path& root, const PictureFolderOptions& options) {
  const fs::path test = test_folder(root), train = train_folder(root);
  Halves halves{.classes = classes_in(train), .train = {}, .test = {}};
  const Entries all = entries_in(root, train, halves.classes, options);
  if (!test.empty()) {
    halves.train = all;
    halves.test = entries_in(root, test, halves.classes, options);
    return halves;
  }
  std::vector<int64_t> kept(halves.classes.size());
  for (const Entry& entry : all) {
    (entry.chosen ? halves.test : halves.train).push_back(entry);
    kept[static_cast<size_t>(entry.label)] += !entry.chosen;
  }
  for (size_t label = 0; label < kept.size(); ++label) {
    if (kept[label] > 0) continue;
    fail(
        "all pictures of the class {} are for testing; add some, or lower test_fraction ({}) or "
        "change the seed of the split ({})",
        (root / halves.classes[label]).string(), options.test_fraction, options.split_seed);
  }
  if (halves.test.empty() && options.test_fraction > 0) {
    fail(
        "none of the {} pictures in {} is for testing; add some, or raise test_fraction ({}) or "
        "change the seed of the split ({})",
        all.size(), root.string(), options.test_fraction, options.split_seed);
  }
  return halves;
}

// Decodes the pictures on all cores. Of several that cannot be decoded, the first is complained
// about: whatever comes before it was begun before it, and is finished.
std::vector<uint8_t> decode(const Entries& entries, const Shape& shape) {
  const auto size = static_cast<size_t>(shape.elements());
  std::vector<uint8_t> pixels(entries.size() * size);
  std::atomic<size_t> next = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  size_t failed_at = entries.size();
  std::exception_ptr failure;
  const auto work = [&] {
    while (!stop) {
      const size_t i = next++;
      if (i >= entries.size()) return;
      try {
        read_picture(entries[i].path, shape, pixels.data() + i * size);
      } catch (...) {
        const std::lock_guard lock(mutex);
        stop = true;
        if (i < failed_at) {
          failed_at = i;
          failure = std::current_exception();
        }
      }
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < available_cores(); ++i) {
    try {
      helpers.emplace_back(work);
    } catch (const std::system_error&) {
      break;  // fewer threads do it as well
    }
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  if (failure) std::rethrow_exception(failure);
  return pixels;
}

// Exact up to the last division: counts how often each byte comes in each channel.
Normalisation measure(const std::vector<uint8_t>& pixels, size_t channels) {
  std::vector<std::array<uint64_t, 256>> counts(channels);
  for (size_t i = 0; i < pixels.size(); i += channels) {
    for (size_t c = 0; c < channels; ++c) ++counts[c][pixels[i + c]];
  }
  const double total = static_cast<double>(pixels.size() / channels);
  Normalisation normalisation;
  for (const std::array<uint64_t, 256>& count : counts) {
    double sum = 0, squares = 0;
    for (size_t byte = 0; byte < count.size(); ++byte) {
      const double value = static_cast<double>(byte) / 255.0;
      sum += static_cast<double>(count[byte]) * value;
      squares += static_cast<double>(count[byte]) * value * value;
    }
    const double mean = sum / total;
    // A channel that is the same everywhere deviates by nothing; a grey level keeps it finite.
    const double deviation =
        std::max(std::sqrt(std::max(squares / total - mean * mean, 0.0)), 1.0 / 255.0);
    normalisation.mean.push_back(static_cast<float>(mean));
    normalisation.deviation.push_back(static_cast<float>(deviation));
  }
  return normalisation;
}

DatasetPtr make(const Entries& entries, const Shape& shape, std::vector<uint8_t> pixels,
                const std::vector<std::string>& classes, const Normalisation& normalisation) {
  std::vector<int32_t> labels;
  for (const Entry& entry : entries) labels.push_back(entry.label);
  return std::make_shared<MemoryDataset>(Pictures{.sample_shape = shape,
                                                  .pixels = std::move(pixels),
                                                  .labels = std::move(labels),
                                                  .classes = static_cast<int>(classes.size()),
                                                  .normalisation = normalisation,
                                                  .class_names = classes});
}

void check(const PictureFolderOptions& options) {
  for (const int64_t side : {options.height, options.width}) {
    if (side < 1 || side > largest_picture_side) {
      fail("pictures of {}×{} cannot be made; sides are 1 … {} pixels", options.height,
           options.width, largest_picture_side);
    }
  }
  if (options.channels != 1 && options.channels != 3) {
    fail("{} channels cannot be made; 3 is red, green and blue, 1 is grey", options.channels);
  }
  if (!(options.test_fraction >= 0 && options.test_fraction < 1)) {
    fail("test_fraction is {}, it must be in [0, 1)", options.test_fraction);
  }
}

constexpr double mebibyte = 1 << 20;

// Calls `look` with the folder, whose errors become ours.
template <typename Look>
auto look_into(const std::string& folder, const Look& look) {
  const fs::path root = fs::path(folder).lexically_normal();
  require_folder(root);
  try {
    return look(root);
  } catch (const fs::filesystem_error& failure) {
    fail("cannot look into {}: {}", failure.path1().string(), failure.code().message());
  }
}

}  // namespace

PictureFolder picture_folder(const std::string& folder, const PictureFolderOptions& options) {
  check(options);
  const Halves halves =
      look_into(folder, [&](const fs::path& root) { return list(root, options); });
  const Shape shape{options.height, options.width, options.channels};
  const auto count = static_cast<int64_t>(halves.train.size() + halves.test.size());
  if (count > options.memory_limit / shape.elements()) {
    fail(
        "the {} pictures in {} take {:.1f} MiB of memory as {}, and the limit is {:.1f} MiB; make "
        "them smaller or raise the limit (for the program: memory_mib)",
        count, folder, static_cast<double>(count * shape.elements()) / mebibyte, shape.to_string(),
        static_cast<double>(options.memory_limit) / mebibyte);
  }
  std::vector<uint8_t> train = decode(halves.train, shape);
  std::vector<uint8_t> test = decode(halves.test, shape);
  const Normalisation normalisation = measure(train, static_cast<size_t>(options.channels));
  return {.train = make(halves.train, shape, std::move(train), halves.classes, normalisation),
          .test = make(halves.test, shape, std::move(test), halves.classes, normalisation)};
}

std::vector<std::string> picture_files(const std::string& folder) {
  const Halves halves = look_into(folder, [](const fs::path& root) { return list(root, {}); });
  std::vector<std::string> paths;
  for (const Entries* half : {&halves.train, &halves.test}) {
    for (const Entry& entry : *half) paths.push_back(entry.path);
  }
  return paths;
}

std::vector<std::string> picture_classes(const std::string& folder) {
  return look_into(folder, [](const fs::path& root) { return classes_in(train_folder(root)); });
}

}  // namespace espalier::datasets
