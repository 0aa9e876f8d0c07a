#include "espalier/autograd/core/buffer_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "espalier/autograd/core/parallel.h"

namespace espalier {
namespace {

constexpr size_t alignment = 64;
constexpr size_t steps = 8;       // size classes between two powers of two: at most 12.5 % waste
constexpr size_t smallest = 512;  // bytes; also keeps every class a multiple of `alignment`
constexpr size_t classes = 40 * steps;

size_t class_of(size_t bytes) {
  if (bytes <= smallest) return 0;
  const size_t power = std::bit_width(bytes - 1) - 1;  // 2^power < bytes <= 2^(power+1)
  const size_t step = (size_t{1} << power) / steps;
  const size_t above = (bytes - (size_t{1} << power) + step - 1) / step;  // 1 … steps
  return (power - std::countr_zero(smallest)) * steps + above;
}

size_t bytes_of(size_t size_class) {
  const size_t power = size_t{1} << (size_class / steps);
  return smallest * power + smallest * power / steps * (size_class % steps);
}

}  // namespace

struct BufferPoolState {
  std::mutex mutex;
  size_t capacity;
  BufferPool::Stats stats;
  /// Free blocks by the place in a team of the thread that took them, and by size.
  std::vector<std::array<std::vector<void*>, classes>> free;

  explicit BufferPoolState(size_t bytes) : capacity(bytes) {}
  ~BufferPoolState() { release(); }

  void release() {
    for (auto& sizes : free) {
      for (std::vector<void*>& blocks : sizes) {
        for (void* block : blocks) std::free(block);
        blocks.clear();
      }
    }
    stats.bytes_cached = 0;
  }
};

BufferPool::BufferPool(size_t capacity) : state_(std::make_shared<BufferPoolState>(capacity)) {}

Buffer BufferPool::take(size_t bytes) {
  Buffer buffer;
  buffer.size_class_ = class_of(bytes);
  if (buffer.size_class_ >= classes) throw std::bad_alloc();
  buffer.place_ = place_in_team();
  const size_t size = bytes_of(buffer.size_class_);
  {
    std::lock_guard lock(state_->mutex);
    Stats& stats = state_->stats;
    if (state_->free.size() <= buffer.place_) state_->free.resize(buffer.place_ + 1);
    std::vector<void*>& blocks = state_->free[buffer.place_][buffer.size_class_];
    if (!blocks.empty()) {
      buffer.memory_ = blocks.back();
      blocks.pop_back();
      stats.bytes_cached -= size;
      ++stats.hits;
    } else {
      ++stats.misses;
    }
    stats.bytes_in_use += size;
    stats.peak_bytes = std::max(stats.peak_bytes, stats.bytes_in_use + stats.bytes_cached);
  }
  if (!buffer.memory_) {
    buffer.memory_ = std::aligned_alloc(alignment, size);
    if (!buffer.memory_) {
      std::lock_guard lock(state_->mutex);
      state_->stats.bytes_in_use -= size;
      throw std::bad_alloc();
    }
  }
  buffer.state_ = state_;
  return buffer;
}

BufferPool::Stats BufferPool::stats() const {
  std::lock_guard lock(state_->mutex);
  return state_->stats;
}

void BufferPool::release() {
  std::lock_guard lock(state_->mutex);
  state_->release();
}

BufferPool::Buffer::Buffer(Buffer&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      size_class_(other.size_class_),
      place_(other.place_),
      state_(std::move(other.state_)) {}

BufferPool::Buffer& BufferPool::Buffer::operator=(Buffer&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(size_class_, other.size_class_);
  std::swap(place_, other.place_);
  std::swap(state_, other.state_);
  return *this;
}

BufferPool::Buffer::~Buffer() {
  if (!memory_) return;
  const size_t size = bytes_of(size_class_);
  {
    std::lock_guard lock(state_->mutex);
    state_->stats.bytes_in_use -= size;
    if (state_->stats.bytes_cached + size <= state_->capacity) {
      state_->free[place_][size_class_].push_back(memory_);
      state_->stats.bytes_cached += size;
      return;
    }
  }
  std::free(memory_);
}

}  // namespace espalier
