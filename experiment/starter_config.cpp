#include "espalier/experiment/starter_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "espalier/compress/config/yaml.h"

namespace espalier::experiment {
namespace {

constexpr int64_t enough_for_residual = 2000;
constexpr double updates = 4000;

int64_t shorter_side(const PictureSurvey& survey) {
  return std::min(survey.height, survey.width);
}

void choose_size(const PictureSurvey& survey, StarterChoice& choice) {
  const int64_t seen = shorter_side(survey);
  if (survey.one_size && seen >= 16 && seen <= 40 && std::max(survey.height, survey.width) <= 80) {
    choice.height = survey.height;
    choice.width = survey.width;
    return;
  }
  const int64_t shorter = seen >= 96 ? 64 : seen >= 48 ? 48 : 32;
  const double ratio = static_cast<double>(std::max(survey.height, survey.width)) /
                       static_cast<double>(std::max<int64_t>(seen, 1));
  const auto longer =
      8 * static_cast<int64_t>(std::lround(static_cast<double>(shorter) * ratio / 8));
  choice.height = choice.width = shorter;
  (survey.height > survey.width ? choice.height : choice.width) =
      std::clamp(longer, shorter, 2 * shorter);
}

/// A word as YAML takes it back, in quotes where it needs them.
std::string quoted(const std::string& word) {
  std::string text = compress::to_yaml(compress::Value(word));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string plain_layers(const StarterChoice& choice, size_t classes) {
  std::string text;
  int64_t side = std::min(choice.height, choice.width), out = 16;
  for (; side >= 8; side /= 2, out = std::min<int64_t>(2 * out, 64)) {
    text += fmt::format(
        "    - Conv2d: {{out: {}, kernel: 3, padding: 1, bias: false}}\n"
        "    - BatchNorm2d\n"
        "    - ReLU\n"
        "    - MaxPool2d: {{kernel: 2}}                  # half as high, half as wide\n",
        out);
  }
  return text + fmt::format(
                    "    - Conv2d: {{out: 64, kernel: 3, padding: 1, bias: false}}\n"
                    "    - BatchNorm2d\n"
                    "    - ReLU\n"
                    "    - GlobalAvgPool2d                         # the mean of each channel\n"
                    "    - Linear: {{name: fc, out: {}}}             # one score for each class\n",
                    classes);
}

/// A block of two convolutions; the first of a stage halves the picture and doubles the channels.
std::string residual_block(int64_t out, bool first_of_stage, const std::string& anchor) {
  if (first_of_stage) {
    return fmt::format(
        "    - Residual:\n"
        "        body:\n"
        "          - Conv2d: {{out: {0}, kernel: 3, stride: 2, padding: 1, bias: false}}\n"
        "          - BatchNorm2d\n"
        "          - ReLU\n"
        "          - Conv2d: {{out: {0}, kernel: 3, padding: 1, bias: false}}\n"
        "          - BatchNorm2d\n"
        "        shortcut:\n"
        "          - Conv2d: {{name: conv, out: {0}, kernel: 1, stride: 2, bias: false}}\n"
        "          - BatchNorm2d: {{name: bn}}\n"
        "    - ReLU\n",
        out);
  }
  return fmt::format(
      "    - &{1}\n"
      "      Residual:\n"
      "        - Conv2d: {{out: {0}, kernel: 3, padding: 1, bias: false}}\n"
      "        - BatchNorm2d\n"
      "        - ReLU\n"
      "        - Conv2d: {{out: {0}, kernel: 3, padding: 1, bias: false}}\n"
      "        - BatchNorm2d\n"
      "    - ReLU\n"
      "    - *{1}\n"
      "    - ReLU\n",
      out, anchor);
}

std::string residual_layers(const StarterChoice& choice, size_t classes) {
  // Larger pictures are halved once more at the beginning, or each step would take several times
  // as long.
  const bool large = std::min(choice.height, choice.width) > 40;
  std::string text = fmt::format(
      "    - Conv2d: {{out: 16, kernel: 3, {}padding: 1, bias: false}}\n"
      "    - BatchNorm2d\n"
      "    - ReLU\n",
      large ? "stride: 2, " : "");
  text += residual_block(16, false, "same_16") + "    - *same_16\n    - ReLU\n";
  text += residual_block(32, true, "") + residual_block(32, false, "same_32");
  text += residual_block(64, true, "") + residual_block(64, false, "same_64");
  return text + fmt::format(
                    "    - GlobalAvgPool2d                         # the mean of each channel\n"
                    "    - Linear: {{name: fc, out: {}}}             # one score for each class\n",
                    classes);
}

std::string model_section(const PictureSurvey& survey, const StarterChoice& choice) {
  if (choice.named)
    return "model: resnet20                               # 272,474 weights, for ten classes\n";
  const size_t classes = survey.classes.size();
  return fmt::format(
      "model:                                        # layer by layer; see docs/models.md\n"
      "  name: {}\n"
      "  input: [{}, {}, {}]                         # height, width, channels, as `size` below\n"
      "  layers:\n{}",
      choice.residual ? "resnet20" : "small", choice.height, choice.width, choice.channels,
      choice.residual ? residual_layers(choice, classes) : plain_layers(choice, classes));
}

std::string data_section(const PictureSurvey& survey, const StarterChoice& choice) {
  std::string text = fmt::format(
      "data:\n"
      "  name: folder\n"
      "  dir: {}\n"
      "  size: [{}, {}]                              # that all pictures are stretched to\n"
      "  channels: {}                                 # 3: colours, 1: grey\n",
      quoted(survey.folder), choice.height, choice.width, choice.channels);
  if (!survey.has_test_folder)
    text += "  test_fraction: 0.2                          # of each class, kept for the test\n";
  text += fmt::format(
      "  augment:                                    # each epoch sees other variants\n"
      "    pad: {}                                    # moved by up to so many pixels\n"
      "    flip: {}                               # left and right swapped half of the time;\n"
      "                                              # false where that makes another thing, as of "
      "letters\n",
      std::min(choice.height, choice.width) / 8, choice.channels == 3);
  return text;
}

/// The text with the comments behind its lines, and those that go on, in one column.
std::string aligned(const std::string& text) {
  constexpr size_t column = 46;
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    // A folder may be called anything.
    const size_t mark = line.starts_with("  dir:") ? std::string::npos : line.find(" # ");
    if (mark != std::string::npos) {
      const std::string comment = line.substr(mark + 1);
      line.erase(line.find_last_not_of(' ', mark) + 1);
      line += std::string(std::max(column, line.size() + 1) - line.size(), ' ') + comment;
    }
    result += line + "\n";
  }
  return result;
}

}  // namespace

StarterChoice choose_start(const PictureSurvey& survey) {
  const int64_t pictures = survey.training_pictures();
  StarterChoice choice;
  choose_size(survey, choice);
  choice.channels = survey.grey ? 1 : 3;
  choice.residual = pictures >= enough_for_residual;
  choice.named = choice.residual && survey.classes.size() == 10 && choice.channels == 3 &&
                 choice.height == 32 && choice.width == 32;
  choice.batch = pictures >= enough_for_residual ? 64 : pictures >= 200 ? 32 : 16;
  const double steps = std::ceil(static_cast<double>(pictures) / choice.batch);
  choice.epochs =
      static_cast<int>(std::clamp(std::round(updates / std::max(steps, 1.0)), 10.0, 60.0));
  return choice;
}

std::string starter_config(const PictureSurvey& survey) {
  const StarterChoice choice = choose_start(survey);
  std::string text = fmt::format(
      "# {} classes, {} pictures to learn from, {} for the test. Written by `espalier new`; "
      "change\n"
      "# what you like. All keys are in docs/configuration.md.\n\n",
      survey.classes.size(), survey.training_pictures(), survey.test_pictures());
  text += model_section(survey, choice) + "\n" + data_section(survey, choice) + "\n";
  const int begin = choice.epochs / 10, end = choice.epochs * 3 / 4;
  text += fmt::format(
      "batch: {}                                     # pictures in a step\n"
      "epochs: {}                                    # passes over all pictures\n"
      "seed: 1                                       # another number: another start, another "
      "order\n"
      "optimizer: {{SGD: {{lr: {}, momentum: 0.9, nesterov: true, weight_decay: 0.0005}}}}\n"
      "schedule: {{one_cycle: {{warmup: 0.2}}}}          # the learning rate rises, then falls to "
      "0\n\n"
      "compress:                                     # leave it out for a dense network\n"
      "  AGPruner:\n"
      "    config:\n"
      "      - final_sparsity: 0.8                   # the smallest 80 % of the weights become "
      "zero\n"
      "        start_epoch: {}                        # slowly, from here\n"
      "        end_epoch: {}                         # to here; the rest is trained on\n"
      "        frequency: 1\n"
      "        support_type: default\n",
      choice.batch, choice.epochs, choice.batch >= 64 ? 0.1 : 0.05, begin, end);
  return aligned(text);
}

}  // namespace espalier::experiment
