#include "espalier/compress/runtime/plan/element_places.h"

namespace espalier::runtime {

void find_places(const View& view, bool picture, Array<int32_t>& places) {
  const int64_t pixels = int64_t{view.height} * view.width;
  for (size_t j = 0; j < places.size(); ++j) {
    const auto column = static_cast<int64_t>(j), pixel = column % pixels;
    places[j] = static_cast<int32_t>(
        picture ? view.offset(pixel / view.width, pixel % view.width, column / pixels) : column);
  }
}

void find_columns(const View& view, int64_t row, const Array<int32_t>& places,
                  Array<int32_t>& columns) {
  for (int32_t& column : columns) column = -1;
  for (size_t j = 0; j < places.size(); ++j) {
    const int64_t plane = places[j] / view.plane, within = places[j] % view.plane;
    const int64_t at = (plane * view.height + within / view.row) * row + within % view.row;
    columns[static_cast<size_t>(at)] = static_cast<int32_t>(j);
  }
}

}  // namespace espalier::runtime
