#include "espalier/compress/export/arena_plan.h"

#include <algorithm>
#include <numeric>

namespace espalier::compress::c_code {
namespace {

int64_t whole_words(int64_t bytes) {
  return (bytes + 3) / 4 * 4;
}

int64_t size(const ArenaItem& item) {
  int64_t largest = 0;
  for (const ArenaUse& use : item) largest = std::max(largest, use.bytes);
  return largest;
}

/// Whether two items, at these offsets, need a byte at the same time.
bool collide(const ArenaItem& a, int64_t at_a, const ArenaItem& b, int64_t at_b) {
  for (const ArenaUse& one : a) {
    for (const ArenaUse& other : b) {
      const bool times = one.first <= other.last && other.first <= one.last;
      if (times && at_a < at_b + other.bytes && at_b < at_a + one.bytes) return true;
    }
  }
  return false;
}

}  // namespace

ArenaPlan plan_arena(const std::vector<ArenaItem>& items) {
  std::vector<size_t> order(items.size()), placed;
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return size(items[a]) > size(items[b]); });
  ArenaPlan plan;
  plan.offsets.resize(items.size(), 0);
  for (const size_t item : order) {
    // The lowest free place begins at 0 or where some use of another item ends.
    std::vector<int64_t> candidates{0};
    for (const size_t other : placed) {
      for (const ArenaUse& use : items[other]) {
        candidates.push_back(whole_words(plan.offsets[other] + use.bytes));
      }
    }
    std::sort(candidates.begin(), candidates.end());
    plan.offsets[item] = *std::find_if(candidates.begin(), candidates.end(), [&](int64_t offset) {
      return std::none_of(placed.begin(), placed.end(), [&](size_t other) {
        return collide(items[item], offset, items[other], plan.offsets[other]);
      });
    });
    plan.bytes = std::max(plan.bytes, whole_words(plan.offsets[item] + size(items[item])));
    placed.push_back(item);
  }
  return plan;
}

}  // namespace espalier::compress::c_code
