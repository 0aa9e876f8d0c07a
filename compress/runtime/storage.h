#pragma once

#include "espalier/compress/runtime/memory.h"

namespace espalier::runtime {

/// Owns many pieces of memory of one budget, which live as long as it does.
class Storage {
 public:
  explicit Storage(Budget& budget) : budget_(budget) {}
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage() {
    while (newest_) {
      Piece* piece = newest_;
      newest_ = piece->before;
      budget_.give_back(piece->bytes);
      std::free(piece);
    }
  }

  /// Zeros on a 64-byte boundary; null if the budget or the system refuses.
  template <typename T>
  [[nodiscard]] T* allocate(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count > (SIZE_MAX - 2 * header) / sizeof(T)) {
      (void)budget_.take(SIZE_MAX);
      return nullptr;
    }
    const size_t bytes = (count * sizeof(T) + 63) / 64 * 64 + header;
    if (!budget_.take(bytes)) return nullptr;
    void* memory = std::aligned_alloc(64, bytes);
    if (!memory) {
      budget_.give_back(bytes);
      return nullptr;
    }
    std::memset(memory, 0, bytes);
    auto* piece = static_cast<Piece*>(memory);
    piece->before = newest_;
    piece->bytes = bytes;
    newest_ = piece;
    return reinterpret_cast<T*>(static_cast<char*>(memory) + header);
  }

 private:
  struct Piece {
    Piece* before;
    size_t bytes;
  };
  static constexpr size_t header = 64;

  Budget& budget_;
  Piece* newest_ = nullptr;
};

}  // namespace espalier::runtime
