#include "espalier/nn/io/checksum.h"

#include <zlib.h>

namespace espalier::nn {

uint32_t checksum(std::string_view content) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
}

}  // namespace espalier::nn
