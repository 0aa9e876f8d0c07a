#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "espalier/autograd/core/random.h"
#include "espalier/autograd/tensor.h"

/// A few values that all weights of a layer share.
namespace espalier::compress {

struct Codebook {
  std::vector<float> values;     ///< ascending, all different, none of them 0
  std::vector<int32_t> indices;  ///< of each weight, in the order of its tensor, the place of its
                                 ///< value in `values`; −1 where the weight is 0
};

/// The values of a weight: of what a layer computes with when its weights are shared, the codebook.
/// \throws Error for one that is not a finite number
Codebook codebook_of(const Tensor& weight);

/// Where k-means begins with its K centroids (Han et al., arXiv 1510.00149, section 3.2).
enum class CodebookStart {
  linear,   ///< evenly from the smallest to the largest value: reaches the large weights, few but
            ///< important
  density,  ///< evenly in the cumulative distribution: at its quantiles (k + ½)/K
  random,   ///< K values that occur, drawn ("Forgy")
};

/// Finds at most `count` centroids that are the means of the values nearest to them, by Lloyd's
/// iteration (equation 2 of that paper: the sum of squared distances falls with each step). A
/// centroid that no value is nearest to is left out in the end; where there are no more different
/// values than `count`, they are the result.
/// \param values  any number but none; they need no order
/// \param each    is shown the centroids where they begin and after each step; not if there are too
///                few values for any steps
/// \return ascending \throws Error for a value that is not a finite number
std::vector<double> cluster_values(
    std::vector<float> values, int count, CodebookStart start, const RandomStream& random,
    const std::function<void(const std::vector<double>& centroids)>& each = {});

}  // namespace espalier::compress
