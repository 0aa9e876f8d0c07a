#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "display/text.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/experiment/picture_survey.h"
#include "espalier/experiment/starter_config.h"

namespace espalier::app {
namespace {

namespace fs = std::filesystem;
using experiment::PictureSurvey;
using experiment::StarterChoice;

const Usage usage = {
    .command = "new",
    .positional = "DIR",
    .description =
        "Looks at a folder of your own pictures and writes a configuration that trains on\n"
        "them. DIR holds a folder for each class, with its pictures (PNG, JPEG, BMP, GIF,\n"
        "TGA, PNM); or `train` and `test` with such folders. Every picture is opened, so\n"
        "that what is wrong with one shows at once.",
    .options = {{"out", "FILE", "the configuration to write (default: DIR's name with .yaml)"}},
    .examples =
        "  espalier new pets                  # pets/cat/1.jpg, pets/dog/2.jpg, …\n"
        "  espalier new ~/pictures/birds --out birds.yaml\n"
        "  espalier train birds.yaml --dry-run\n"
        "  espalier train birds.yaml\n"};

/// `pets.yaml` for `photos/pets`, `photos/pets/` and `photos/pets/train`.
std::string usual_file(const std::string& folder) {
  fs::path path = fs::absolute(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (path.filename() == "train") path = path.parent_path();
  const std::string name = path.filename().string();
  return (name.empty() ? "pictures" : name) + ".yaml";
}

/// A path as a shell takes it.
std::string as_typed(const std::string& path) {
  return path.find(' ') == std::string::npos ? path : '"' + path + '"';
}

std::string class_list(const PictureSurvey& survey) {
  constexpr size_t most = 20;
  int width = 0;
  for (const auto& each : survey.classes) width = std::max(width, columns(each.name));
  std::string text;
  for (size_t i = 0; i < std::min(most, survey.classes.size()); ++i) {
    const auto& each = survey.classes[i];
    text += fmt::format("  {}  {} to learn from, {} for the test\n", padded_right(each.name, width),
                        padded_left(grouped(each.training), 6), padded_left(grouped(each.test), 5));
  }
  if (survey.classes.size() > most)
    text += fmt::format("  … and {} more\n", survey.classes.size() - most);
  return text;
}

std::string size_of(const PictureSurvey& survey) {
  return fmt::format("{} {}×{}, {}", survey.one_size ? "all" : "typically", survey.height,
                     survey.width, survey.grey ? "grey" : "in colour");
}

/// What a user should know of few pictures before he wonders at results.
void print_doubts(const PictureSurvey& survey) {
  const int64_t fewest = survey.fewest_training_pictures();
  int64_t most = 0;
  for (const auto& each : survey.classes) most = std::max(most, each.training);
  if (fewest < 50) {
    fmt::print("{}", labelled("few", fmt::format("a class has only {} pictures to learn from; some "
                                                 "hundred would do better",
                                                 fewest)));
  }
  if (most > 10 * fewest) {
    fmt::print("{}", labelled("uneven",
                              "one class has more than ten times as many pictures as "
                              "another, and will be answered too often"));
  }
}

void print_choice(const StarterChoice& choice) {
  const std::string network = choice.named      ? "resnet20"
                              : choice.residual ? "ResNet-20's shape, layer by layer"
                                                : "a few convolutions, layer by layer";
  fmt::print("{}", labelled("network", fmt::format("{}, on pictures of {}×{}×{}", network,
                                                   choice.height, choice.width, choice.channels)));
  fmt::print("{}", labelled("training",
                            fmt::format("{} epochs, pruned to 80 % on the way", choice.epochs)));
}

}  // namespace

int new_config(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  if (arguments->positional.size() != 1) {
    throw UsageError(
        fmt::format("new needs one folder of pictures, not {}; see 'espalier new --help'",
                    arguments->positional.size()));
  }
  const std::string& folder = arguments->positional.front();
  const std::string file = arguments->has("out") ? arguments->values.at("out") : usual_file(folder);
  if (fs::exists(file)) {
    throw UsageError(
        fmt::format("there is a file '{}' already; name another with --out, or remove it", file));
  }
  const PictureSurvey survey = experiment::survey_pictures(folder);
  write_file_atomically(file, experiment::starter_config(survey));

  fmt::print(
      "{}{}\n{}\n",
      labelled("folder",
               fmt::format("{}: {} classes, {} pictures", survey.folder, survey.classes.size(),
                           grouped(survey.training_pictures() + survey.test_pictures()))),
      labelled("pictures", size_of(survey)), class_list(survey));
  print_doubts(survey);
  print_choice(experiment::choose_start(survey));
  fmt::print("{}", labelled("written", file + ", with a comment for each choice"));
  const std::string run = as_typed("runs/" + fs::path(file).stem().string());
  fmt::print(
      "\nNext:\n"
      "  espalier train {0} --dry-run     what will happen when\n"
      "  espalier train {0}               trains\n"
      "  espalier evaluate {1}            how well, class by class\n",
      as_typed(file), run);
  return 0;
}

}  // namespace espalier::app
