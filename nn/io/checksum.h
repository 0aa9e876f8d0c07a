#pragma once

#include <cstdint>
#include <string_view>

namespace espalier::nn {

/// CRC-32 (ISO 3309) of some bytes: tells content that was changed or damaged by accident.
uint32_t checksum(std::string_view content);

}  // namespace espalier::nn
