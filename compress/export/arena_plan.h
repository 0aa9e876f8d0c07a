#pragma once

#include <cstdint>
#include <vector>

/// Which bytes of one block of memory hold what, while a network runs.
namespace espalier::compress::c_code {

/// So many bytes from one operation to another, both included.
struct ArenaUse {
  int64_t bytes = 0;
  int first = 0, last = 0;  ///< indices of operations
};

/// What begins at one address: the uses of a value, and of what is written over it.
using ArenaItem = std::vector<ArenaUse>;

struct ArenaPlan {
  std::vector<int64_t> offsets;  ///< of each item, multiples of 4
  int64_t bytes = 0;             ///< a multiple of 4
};

/// Uses of different items at the same time do not overlap in memory. First fit, the largest items
/// first: each gets the lowest place that is free whenever it is used.
ArenaPlan plan_arena(const std::vector<ArenaItem>& items);

}  // namespace espalier::compress::c_code
