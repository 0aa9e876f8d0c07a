#include "espalier/datasets/mnist.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/datasets/idx.h"

namespace espalier::datasets {
namespace {

struct Named {
  std::string name;
  std::vector<std::string> usual_folders;  // beside data/<name>
  std::string torchvision_folder;
  std::string how_to_get;
  Normalisation normalisation;
  std::vector<std::string> class_names;
};

DatasetPtr open(const Named& data, const std::string& folder, Split split) {
  namespace fs = std::filesystem;
  std::vector<std::string> tried;
  if (folder.empty()) {
    tried = {"data/" + data.name};
    tried.insert(tried.end(), data.usual_folders.begin(), data.usual_folders.end());
  } else {
    tried = {folder, (fs::path(folder) / data.name).string(),
             (fs::path(folder) / data.torchvision_folder).string()};
  }
  for (const std::string& place : tried) {
    if (has_idx_images(place, split)) {
      return open_idx(
          place, split,
          {.classes = 10, .normalisation = data.normalisation, .class_names = data.class_names});
    }
  }
  throw Error(data.name, fmt::format("found no {} pictures in {}; {}",
                                     split == Split::train ? "training" : "test",
                                     fmt::join(tried, " or "), data.how_to_get));
}

constexpr const char* four_files =
    "the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
    "t10k-labels-idx1-ubyte (plain or .gz)";

}  // namespace

DatasetPtr mnist(const std::string& folder, Split split) {
  return open({.name = "mnist",
               .usual_folders = {},
               .torchvision_folder = "MNIST/raw",
               .how_to_get = fmt::format("get {} (scripts/get-data mnist DIR does) and name their "
                                         "folder (for the program: --data DIR)",
                                         four_files),
               .normalisation = {.mean = {0.1307f}, .deviation = {0.3081f}},
               .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}},
              folder, split);
}

DatasetPtr fashion_mnist(const std::string& folder, Split split) {
  return open({.name = "fashion-mnist",
               .usual_folders = {"/usr/share/datasets/fashion-mnist"},
               .torchvision_folder = "FashionMNIST/raw",
               .how_to_get = fmt::format("install the Debian package dataset-fashion-mnist, or get "
                                         "{} and name their folder (for the program: --data DIR)",
                                         four_files),
               .normalisation = {.mean = {0.2860f}, .deviation = {0.3530f}},
               .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal",
                               "Shirt", "Sneaker", "Bag", "Ankle boot"}},
              folder, split);
}

}  // namespace espalier::datasets
