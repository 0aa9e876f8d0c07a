#include "espalier/experiment/picture_survey.h"

#include <algorithm>
#include <filesystem>

#include "espalier/datasets/picture_file.h"
#include "espalier/datasets/picture_folder.h"

namespace espalier::experiment {
namespace {

namespace fs = std::filesystem;

/// `photos/train` where that is all there is, else the folder itself.
std::string folder_of_classes(const std::string& folder) {
  const fs::path root = fs::path(folder), train = root / "train";
  const bool alone = fs::is_directory(train) && !fs::is_directory(root / "test") &&
                     !fs::is_directory(root / "val");
  return (alone ? train : root).lexically_normal().string();
}

int64_t median(std::vector<int64_t> values) {
  const auto middle = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <class Count>
int64_t total(const std::vector<PictureClass>& classes, Count count) {
  int64_t sum = 0;
  for (const PictureClass& each : classes) sum += each.*count;
  return sum;
}

}  // namespace

int64_t PictureSurvey::training_pictures() const {
  return total(classes, &PictureClass::training);
}

int64_t PictureSurvey::test_pictures() const {
  return total(classes, &PictureClass::test);
}

int64_t PictureSurvey::fewest_training_pictures() const {
  const auto fewest =
      std::min_element(classes.begin(), classes.end(),
                       [](const auto& a, const auto& b) { return a.training < b.training; });
  return fewest == classes.end() ? 0 : fewest->training;
}

PictureSurvey survey_pictures(const std::string& folder) {
  PictureSurvey survey;
  survey.folder = folder_of_classes(folder);
  survey.has_test_folder = fs::is_directory(fs::path(survey.folder) / "train");
  // Opened as small as can be: what counts is that all of them can be.
  const datasets::PictureFolder opened =
      datasets::picture_folder(survey.folder, {.height = 1, .width = 1});
  for (const std::string& name : opened.train->class_names()) survey.classes.push_back({name});
  for (int64_t i = 0; i < opened.train->size(); ++i)
    ++survey.classes[static_cast<size_t>(opened.train->label(i))].training;
  for (int64_t i = 0; i < opened.test->size(); ++i)
    ++survey.classes[static_cast<size_t>(opened.test->label(i))].test;

  std::vector<int64_t> heights, widths;
  survey.grey = true;
  for (const std::string& path : datasets::picture_files(survey.folder)) {
    const Shape shape = datasets::picture_shape(path);
    heights.push_back(shape[0]);
    widths.push_back(shape[1]);
    survey.grey = survey.grey && shape[2] <= 2;
  }
  const auto all_same = [](const std::vector<int64_t>& sides) {
    return std::all_of(sides.begin(), sides.end(), [&](int64_t s) { return s == sides.front(); });
  };
  survey.one_size = all_same(heights) && all_same(widths);
  survey.height = median(std::move(heights));
  survey.width = median(std::move(widths));
  return survey;
}

}  // namespace espalier::experiment
