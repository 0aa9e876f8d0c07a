#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

/// Memory that is counted and may be refused. A file decides how much is needed, and a file may
/// lie, so nothing in the loader allocates in any other way.
namespace espalier::runtime {

/// How many bytes may still be taken.
class Budget {
 public:
  explicit Budget(size_t bytes) : left_(bytes) {}

  bool take(size_t bytes) {
    if (bytes > left_) {
      exceeded_ = true;
      return false;
    }
    left_ -= bytes;
    return true;
  }
  void give_back(size_t bytes) { left_ += bytes; }
  size_t left() const { return left_; }
  /// Whether something was refused since the beginning.
  bool exceeded() const { return exceeded_; }

 private:
  size_t left_;
  bool exceeded_ = false;
};

/// A number of elements on a 64-byte boundary, zero at first, given back to the budget in the end.
/// The elements are plain data.
template <typename T>
class Array {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Array() = default;
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    Array gone(std::move(other));
    swap(gone);
    return *this;
  }
  ~Array() { release(); }

  /// \return false if the budget or the system refuses; the array is empty then.
  [[nodiscard]] bool allocate(Budget& budget, size_t count) {
    release();
    if (count == 0) return true;
    if (count > (SIZE_MAX - 64) / sizeof(T)) return budget.take(SIZE_MAX);
    const size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
    if (!budget.take(bytes)) return false;
    void* memory = std::aligned_alloc(64, bytes);
    if (!memory) {
      budget.give_back(bytes);
      return false;
    }
    std::memset(memory, 0, bytes);
    data_ = static_cast<T*>(memory);
    size_ = count;
    bytes_ = bytes;
    budget_ = &budget;
    return true;
  }
  void release() {
    if (!data_) return;
    std::free(data_);
    budget_->give_back(bytes_);
    data_ = nullptr;
    size_ = bytes_ = 0;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }

 private:
  void swap(Array& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
    std::swap(budget_, other.budget_);
  }

  T* data_ = nullptr;
  size_t size_ = 0, bytes_ = 0;
  Budget* budget_ = nullptr;
};

}  // namespace espalier::runtime
