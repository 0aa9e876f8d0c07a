#include "espalier/report/weight_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/autograd/core/error.h"

namespace espalier::report {
namespace {

/// How many tiles fit, at least one.
int64_t fitting(int64_t tile, int64_t gap) {
  return std::max<int64_t>(1, (WeightLayout::most + gap) / (tile + gap));
}

/// `; shown are the first 256 of 512 inputs and the first 100 of 512 outputs`.
std::string shown(int64_t inputs, int64_t all_inputs, int64_t outputs, int64_t all_outputs) {
  std::string text;
  const auto add = [&](int64_t some, int64_t all, const char* what) {
    if (some == all) return;
    text += fmt::format("{} the first {} of {} {}", text.empty() ? "; shown are" : " and", some,
                        all, what);
  };
  add(inputs, all_inputs, "inputs");
  add(outputs, all_outputs, "outputs");
  return text;
}

}  // namespace

WeightLayout::WeightLayout(const Shape& shape) {
  if (shape.axes() != 2 && shape.axes() != 4)
    throw Error("report", "there is no picture of a weight of shape " + shape.to_string());
  const bool is_linear = shape.axes() == 2;
  outputs_ = shape[0];
  kernel_height_ = is_linear ? 1 : shape[1];
  kernel_width_ = is_linear ? 1 : shape[2];
  inputs_ = shape[shape.axes() - 1];
  const bool single = kernel_height_ * kernel_width_ == 1;
  gap_ = single ? 0 : 1;
  const int64_t most_rows = fitting(kernel_height_, gap_);
  const int64_t most_columns = fitting(kernel_width_, gap_);
  const std::string each =
      single ? "a pixel" : fmt::format("a tile of {}×{}", kernel_height_, kernel_width_);
  if (inputs_ == 1 && !single) {
    order_ = Order::wrapped;
    const auto side = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(outputs_))));
    columns_ = std::min(side, most_columns);
    rows_ = std::min((outputs_ + columns_ - 1) / columns_, most_rows);
    const int64_t tiles = std::min(outputs_, rows_ * columns_);
    legend_ = fmt::format("{} for each output, {} in a row", each, columns_) +
              shown(1, 1, tiles, outputs_);
    return;
  }
  order_ = outputs_ > 4 * inputs_ ? Order::outputs_across : Order::outputs_down;
  const bool down = order_ == Order::outputs_down;
  rows_ = std::min(down ? outputs_ : inputs_, most_rows);
  columns_ = std::min(down ? inputs_ : outputs_, most_columns);
  legend_ = each + (down ? " for each input (column) and output (row)"
                         : " for each output (column) and input (row)");
  legend_ +=
      down ? shown(columns_, inputs_, rows_, outputs_) : shown(rows_, inputs_, columns_, outputs_);
}

int WeightLayout::width() const {
  return static_cast<int>(columns_ * (kernel_width_ + gap_) - gap_);
}

int WeightLayout::height() const {
  return static_cast<int>(rows_ * (kernel_height_ + gap_) - gap_);
}

Picture WeightLayout::paint(const std::function<uint8_t(int64_t)>& pixel, uint8_t gap) const {
  Picture picture{.width = width(), .height = height(), .channels = 1, .pixels = {}};
  picture.pixels.assign(static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height),
                        gap);
  for (int64_t row = 0; row < rows_; ++row) {
    for (int64_t column = 0; column < columns_; ++column) {
      int64_t output = row, input = column;
      if (order_ == Order::outputs_across) std::swap(output, input);
      if (order_ == Order::wrapped) {
        output = row * columns_ + column;
        input = 0;
        if (output >= outputs_) continue;
      }
      for (int64_t y = 0; y < kernel_height_; ++y) {
        for (int64_t x = 0; x < kernel_width_; ++x) {
          const int64_t at_y = row * (kernel_height_ + gap_) + y;
          const int64_t at_x = column * (kernel_width_ + gap_) + x;
          const int64_t weight =
              ((output * kernel_height_ + y) * kernel_width_ + x) * inputs_ + input;
          picture.pixels[static_cast<size_t>(at_y * picture.width + at_x)] = pixel(weight);
        }
      }
    }
  }
  return picture;
}

}  // namespace espalier::report
