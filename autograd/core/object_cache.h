#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace espalier {

/// What a prepared kernel was prepared for: an operation's number followed by its sizes.
using CacheKey = std::vector<int64_t>;

/// Prepared kernels by what they were prepared for; the least recently used one goes when the cache
/// is full. Safe to use from several threads.
class ObjectCache {
 public:
  explicit ObjectCache(int capacity) : capacity_(capacity) {}

  /// The object stored under `key`; made by `make()` (returning `std::shared_ptr<T>`) if absent.
  /// `T` must be the same for every use of a key.
  template <class T, class Make>
  std::shared_ptr<T> get(const CacheKey& key, Make&& make) {
    if (std::shared_ptr<void> found = find(key)) return std::static_pointer_cast<T>(found);
    std::shared_ptr<T> made = make();
    insert(key, made);
    return made;
  }

  int64_t created() const;  ///< objects made so far
  int size() const;         ///< objects held
  void release();

 private:
  struct KeyHash {
    size_t operator()(const CacheKey& key) const;
  };
  struct Entry {
    CacheKey key;
    std::shared_ptr<void> object;
  };

  std::shared_ptr<void> find(const CacheKey& key);
  void insert(const CacheKey& key, std::shared_ptr<void> object);

  mutable std::mutex mutex_;
  int capacity_;
  int64_t created_ = 0;
  std::list<Entry> by_recency_;  // most recently used first
  std::unordered_map<CacheKey, std::list<Entry>::iterator, KeyHash> by_key_;
};

}  // namespace espalier
