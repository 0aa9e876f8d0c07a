#include "display/evaluation_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "display/text.h"

namespace espalier::app {
namespace {

std::string class_name(int64_t number, const std::vector<std::string>& names) {
  const auto index = static_cast<size_t>(number);
  return index < names.size() ? names[index] : std::to_string(number);
}

/// `0` or, with a name, `0 T-shirt`: the number stands above the columns of the confusion table.
std::string row_title(int64_t number, const std::vector<std::string>& names) {
  const std::string digits = std::to_string(number);
  return names.empty() ? digits : digits + " " + class_name(number, names);
}

int title_width(int64_t classes, const std::vector<std::string>& names) {
  int width = columns("class");
  for (int64_t k = 0; k < classes; ++k) width = std::max(width, columns(row_title(k, names)));
  return width;
}

int64_t samples_of(const nn::ConfusionMatrix& confusion, int64_t truth) {
  int64_t samples = 0;
  for (int64_t k = 0; k < confusion.classes(); ++k) samples += confusion.count(truth, k);
  return samples;
}

/// `shirt 112, coat 40`: the two most frequent wrong answers.
std::string mistakes(const nn::ConfusionMatrix& confusion, int64_t truth,
                     const std::vector<std::string>& names) {
  std::vector<int64_t> wrong;
  for (int64_t k = 0; k < confusion.classes(); ++k) {
    if (k != truth && confusion.count(truth, k) > 0) wrong.push_back(k);
  }
  std::stable_sort(wrong.begin(), wrong.end(), [&](int64_t a, int64_t b) {
    return confusion.count(truth, a) > confusion.count(truth, b);
  });
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(2, wrong.size()); ++i) {
    text += fmt::format("{}{} ×{}", i == 0 ? "" : ", ", class_name(wrong[i], names),
                        grouped(confusion.count(truth, wrong[i])));
  }
  return text;
}

}  // namespace

std::string class_table(const nn::ConfusionMatrix& confusion,
                        const std::vector<std::string>& names) {
  const int width = title_width(confusion.classes(), names);
  std::string text = fmt::format("{}  {:>8}  {:>8}  {}\n", padded_right("class", width), "pictures",
                                 "right", "most often taken for");
  for (int64_t k = 0; k < confusion.classes(); ++k) {
    text += fmt::format("{}  {:>8}  {:>8}  {}\n", padded_right(row_title(k, names), width),
                        grouped(samples_of(confusion, k)), percent(confusion.class_accuracy(k), 1),
                        mistakes(confusion, k, names));
  }
  return text;
}

std::string confusion_table(const nn::ConfusionMatrix& confusion,
                            const std::vector<std::string>& names) {
  const int64_t classes = confusion.classes();
  const int title = title_width(classes, names);
  int64_t most = classes - 1;
  for (int64_t truth = 0; truth < classes; ++truth) {
    for (int64_t k = 0; k < classes; ++k) most = std::max(most, confusion.count(truth, k));
  }
  const int width = columns(std::to_string(most));
  if (title + classes * (width + 1) + 1 > page_width) return "";
  std::string text = padded_right("class", title) + " ";
  for (int64_t k = 0; k < classes; ++k) text += fmt::format(" {:>{}}", k, width);
  text += "\n";
  for (int64_t truth = 0; truth < classes; ++truth) {
    text += padded_right(row_title(truth, names), title) + " ";
    for (int64_t k = 0; k < classes; ++k) {
      const int64_t count = confusion.count(truth, k);
      text += fmt::format(" {:>{}}", count == 0 ? "." : std::to_string(count), width);
    }
    text += "\n";
  }
  return text;
}

std::string to_json(const nn::Evaluation& evaluation, const std::vector<std::string>& names) {
  using Json = nlohmann::ordered_json;
  const nn::ConfusionMatrix& confusion = evaluation.confusion;
  Json json = {{"samples", confusion.samples()},
               {"accuracy", evaluation.accuracy},
               {"loss", evaluation.loss}};
  if (evaluation.top5_accuracy) json["top5_accuracy"] = *evaluation.top5_accuracy;
  Json classes = Json::array();
  for (int64_t truth = 0; truth < confusion.classes(); ++truth) {
    std::vector<int64_t> answers;
    for (int64_t k = 0; k < confusion.classes(); ++k) answers.push_back(confusion.count(truth, k));
    classes.push_back({{"name", class_name(truth, names)},
                       {"samples", samples_of(confusion, truth)},
                       {"accuracy", confusion.class_accuracy(truth)},
                       {"taken_for", answers}});
  }
  json["classes"] = classes;
  return json.dump();
}

}  // namespace espalier::app
