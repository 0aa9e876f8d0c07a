#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "espalier/compress/file/network.h"

namespace espalier::compress::c_code {

/// The codes of the 256 values of a pixel, for a network whose input has codes: (pixel/255 − mean)/
/// deviation in double, rounded to float32, divided by the scale in float32, rounded half to even,
/// plus the zero point, limited to the grid. Channels with equal normalisation share a table.
struct PixelTables {
  std::vector<std::array<int8_t, 256>> tables;
  std::vector<uint8_t> of_channel;  ///< index into `tables`, one per channel of the input
};

/// \throws Error  if means or deviations are not one per channel, one for all or none, or there are
///                more than 256 different tables
PixelTables pixel_tables(const file::Network& network);

}  // namespace espalier::compress::c_code
