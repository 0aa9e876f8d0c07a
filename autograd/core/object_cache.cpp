#include "espalier/autograd/core/object_cache.h"

#include <utility>

namespace espalier {

size_t ObjectCache::KeyHash::operator()(const CacheKey& key) const {
  uint64_t hash = 14695981039346656037u;  // FNV-1a over 64-bit words, with a final shift to mix
  for (int64_t word : key) hash = (hash ^ static_cast<uint64_t>(word)) * 1099511628211u;
  return hash ^ (hash >> 32);
}

std::shared_ptr<void> ObjectCache::find(const CacheKey& key) {
  std::lock_guard lock(mutex_);
  auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  by_recency_.splice(by_recency_.begin(), by_recency_, found->second);
  return found->second->object;
}

void ObjectCache::insert(const CacheKey& key, std::shared_ptr<void> object) {
  std::lock_guard lock(mutex_);
  ++created_;
  if (by_key_.contains(key)) return;  // another thread was quicker; both objects serve
  by_recency_.push_front({key, std::move(object)});
  by_key_[key] = by_recency_.begin();
  if (static_cast<int>(by_recency_.size()) > capacity_) {
    by_key_.erase(by_recency_.back().key);
    by_recency_.pop_back();
  }
}

int64_t ObjectCache::created() const {
  std::lock_guard lock(mutex_);
  return created_;
}

int ObjectCache::size() const {
  std::lock_guard lock(mutex_);
  return static_cast<int>(by_recency_.size());
}

void ObjectCache::release() {
  std::lock_guard lock(mutex_);
  by_key_.clear();
  by_recency_.clear();
}

}  // namespace espalier
