#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What is in a folder of pictures, for choosing a network and its training.
namespace espalier::experiment {

struct PictureClass {
  std::string name;
  int64_t training = 0, test = 0;  ///< pictures
};

struct PictureSurvey {
  /// The folder to read pictures from (`datasets::picture_folder`): the one looked at, or `train`
  /// in it where there is no `test` beside that.
  std::string folder;
  bool has_test_folder = false;  ///< otherwise a part of each class is kept for the test
  std::vector<PictureClass> classes;
  int64_t height = 0, width = 0;  ///< medians over all pictures
  bool one_size = false;          ///< whether all pictures are of that size
  bool grey = false;              ///< whether no picture has colours

  int64_t training_pictures() const;
  int64_t test_pictures() const;
  /// Of the class that has the fewest.
  int64_t fewest_training_pictures() const;
};

/// Looks at all pictures of a folder and opens each: whatever training would complain about is an
/// error at once. \throws Error as `datasets::picture_folder` does
PictureSurvey survey_pictures(const std::string& folder);

}  // namespace espalier::experiment
