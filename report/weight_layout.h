#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "espalier/autograd/core/shape.h"
#include "espalier/report/report_data.h"

namespace espalier::report {

/// Where the weights of a layer stand in a picture, a pixel for each.
///
/// A linear layer `O×I` has a row for each output and a column for each input. A convolution
/// `O×kH×kW×I` has a tile of kH×kW for each pair of them in the same places, a pixel apart unless
/// kernels are single weights. What would be far higher than wide is turned: a column for each
/// output; and tiles of layers whose kernels have one input alone are wrapped like words. Of a
/// layer that is larger than `most` pixels on a side the picture shows the first inputs and
/// outputs.
class WeightLayout {
 public:
  static constexpr int most = 1024;

  /// \throws Error for a shape that is none of these
  explicit WeightLayout(const Shape& shape);

  int width() const;
  int height() const;
  /// What stands where, for people: `a tile of 5×5 for each input (column) and output (row)`.
  const std::string& legend() const { return legend_; }
  /// A picture of one channel. \param pixel  by the place of a weight in its tensor
  Picture paint(const std::function<uint8_t(int64_t)>& pixel, uint8_t gap) const;

 private:
  int64_t outputs_, inputs_, kernel_height_, kernel_width_;
  int64_t rows_, columns_;  // of tiles that are shown
  int64_t gap_;             // between tiles
  enum class Order { outputs_down, outputs_across, wrapped } order_;
  std::string legend_;
};

}  // namespace espalier::report
