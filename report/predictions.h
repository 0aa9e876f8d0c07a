#pragma once

#include <cstdint>
#include <vector>

#include "espalier/datasets/dataset.h"
#include "espalier/nn/module.h"
#include "espalier/report/report_data.h"

namespace espalier::report {

/// The class that a network gives each picture of a data set, in evaluation mode.
std::vector<int64_t> answers(nn::Module& model, const datasets::DatasetPtr& pictures);

/// Names of classes; their numbers where they have none.
std::vector<std::string> names_of_classes(const datasets::Dataset& pictures);

/// The fraction of answers that are right.
double accuracy(const std::vector<int64_t>& answers, const datasets::Dataset& pictures);

/// How often which class was taken for which.
Confusion confusion(const std::vector<int64_t>& answers, const datasets::Dataset& pictures);

/// Where two networks differ about pictures.
struct Difference {
  std::vector<int64_t> lost;  ///< indices of pictures that only the first knows
  int64_t won = 0;            ///< how many only the second knows
};
Difference difference(const std::vector<int64_t>& first, const std::vector<int64_t>& second,
                      const datasets::Dataset& pictures);

/// A picture of a data set as it can be looked at: what normalisation did to it is turned back.
Picture picture(const datasets::Dataset& pictures, int64_t index);

}  // namespace espalier::report
