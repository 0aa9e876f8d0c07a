#pragma once

#include <string>

#include "espalier/experiment/picture_survey.h"

namespace espalier::experiment {

/// What a first training on pictures of one's own is given.
struct StarterChoice {
  bool residual = false;          ///< ResNet-20's shape; otherwise a few convolutions
  bool named = false;             ///< that it is ResNet-20 itself, which has a name
  int64_t height = 0, width = 0;  ///< that pictures are stretched to
  int64_t channels = 3;
  int batch = 0, epochs = 0;
};

/// - **Size**: that of the pictures where all have one and its shorter side is 16 to 40. Otherwise
///   the shorter side is 32, from 48 pixels on 48, from 96 pixels on 64, the longer in proportion,
///   a multiple of 8 and at most twice as long.
/// - **Network**: ResNet-20's shape (He et al., arXiv 1512.03385, section 4.2) from 2,000 training
///   pictures on; a few convolutions for fewer, which they can teach.
/// - **Batch** 64, below 2,000 pictures 32, below 200 16; **epochs** for 4,000 updates, but 10
/// to 60.
StarterChoice choose_start(const PictureSurvey& survey);

/// A training configuration with a comment for each choice, for a user to change: it trains on the
/// pictures of the survey and prunes the network to 80 % on the way.
std::string starter_config(const PictureSurvey& survey);

}  // namespace espalier::experiment
