#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace espalier {

struct BufferPoolState;

/// Freed tensor memory kept for reuse, so that a training step which repeats the shapes of the one
/// before asks the system for nothing: a block goes back to the place in a team of threads that
/// took it, so that what is found there does not depend on how the threads happened to run. Sizes
/// are rounded up to one of eight steps between powers of two; memory is aligned to 64 bytes. Safe
/// to use from several threads.
class BufferPool {
 public:
  struct Stats {
    int64_t hits = 0;         ///< requests served from the pool
    int64_t misses = 0;       ///< requests that went to the system
    size_t bytes_in_use = 0;  ///< held by live buffers
    size_t bytes_cached = 0;  ///< free, waiting for reuse
    size_t peak_bytes = 0;    ///< largest sum of the two so far
  };

  /// \param capacity bytes of free memory kept at most; what is returned beyond goes to the system
  explicit BufferPool(size_t capacity);

  /// A block of memory; goes back to its pool when it dies, also if the pool's owner is gone.
  class Buffer {
   public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();

    template <class T = float>
    T* as() const {
      return static_cast<T*>(memory_);
    }

   private:
    friend class BufferPool;
    void* memory_ = nullptr;
    size_t size_class_ = 0, place_ = 0;
    std::shared_ptr<BufferPoolState> state_;
  };

  /// \throws std::bad_alloc when the system has no more memory
  Buffer take(size_t bytes);

  Stats stats() const;
  /// Gives all free memory back to the system.
  void release();

 private:
  std::shared_ptr<BufferPoolState> state_;
};

using Buffer = BufferPool::Buffer;

}  // namespace espalier
