#include "espalier/report/predictions.h"

#include <algorithm>

#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/datasets/loader.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::report {
std::vector<int64_t> answers(nn::Module& model, const datasets::DatasetPtr& pictures) {
  const nn::EvaluationMode evaluation(model);
  const NoGrad no_grad;
  const FlushDenormals flush;
  datasets::Loader loader(pictures, {.batch = 500});
  std::vector<int64_t> all;
  for (const Batch& batch : loader) {
    const Tensor scores = model(batch.images);
    const int64_t classes = scores.shape()[1];
    for (int64_t i = 0; i < scores.shape()[0]; ++i) {
      const float* first = scores.data() + i * classes;
      all.push_back(std::max_element(first, first + classes) - first);
    }
  }
  return all;
}

std::vector<std::string> names_of_classes(const datasets::Dataset& pictures) {
  std::vector<std::string> names = pictures.class_names();
  for (int k = static_cast<int>(names.size()); k < pictures.classes(); ++k)
    names.push_back(std::to_string(k));
  return names;
}

double accuracy(const std::vector<int64_t>& answers, const datasets::Dataset& pictures) {
  int64_t right = 0;
  for (size_t i = 0; i < answers.size(); ++i)
    right += answers[i] == pictures.label(static_cast<int64_t>(i));
  return answers.empty() ? 0 : static_cast<double>(right) / static_cast<double>(answers.size());
}

Confusion confusion(const std::vector<int64_t>& answers, const datasets::Dataset& pictures) {
  Confusion result{.classes = names_of_classes(pictures), .counts = {}};
  // A network may have more classes than the data.
  size_t classes = result.classes.size();
  for (const int64_t answer : answers) classes = std::max(classes, static_cast<size_t>(answer) + 1);
  for (size_t k = result.classes.size(); k < classes; ++k)
    result.classes.push_back(std::to_string(k));
  result.counts.assign(classes, std::vector<int64_t>(classes));
  for (size_t i = 0; i < answers.size(); ++i) {
    const auto truth = static_cast<size_t>(pictures.label(static_cast<int64_t>(i)));
    ++result.counts[truth][static_cast<size_t>(answers[i])];
  }
  return result;
}

Difference difference(const std::vector<int64_t>& first, const std::vector<int64_t>& second,
                      const datasets::Dataset& pictures) {
  Difference result;
  for (size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
    const auto index = static_cast<int64_t>(i);
    const int64_t truth = pictures.label(index);
    if (first[i] == truth && second[i] != truth) result.lost.push_back(index);
    result.won += first[i] != truth && second[i] == truth;
  }
  return result;
}

Picture picture(const datasets::Dataset& pictures, int64_t index) {
  const Shape& shape = pictures.sample_shape();
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  pictures.read(index, values.data());
  Picture result{.width = static_cast<int>(shape[1]),
                 .height = static_cast<int>(shape[0]),
                 .channels = static_cast<int>(shape[2]),
                 .pixels = {}};
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t channel = static_cast<int64_t>(i) % shape[2];
    result.pixels.push_back(pictures.normalisation().nearest_byte(values[i], channel));
  }
  return result;
}

}  // namespace espalier::report
