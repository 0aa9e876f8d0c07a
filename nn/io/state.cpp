#include "espalier/nn/io/state.h"

#include "espalier/autograd/core/error.h"

namespace espalier::nn {

std::string StateVisitor::path(std::string_view name) const {
  return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
}

template <class T>
void StateVisitor::visit(std::string_view name, T& value) {
  const std::string key = path(name);
  if (!restores_) {
    state_.values[key] = value;
    return;
  }
  const auto found = state_.values.find(key);
  if (found == state_.values.end()) {
    throw Error("state", "there is no '" + key + "': it was saved by something else");
  }
  const T* stored = std::get_if<T>(&found->second);
  if (!stored) throw Error("state", "'" + key + "' is of another kind than expected");
  value = *stored;
  used_.insert(key);
}

template <class T>
void StateVisitor::visit_optional(std::string_view name, T& value) {
  if (!restores_) {
    if (value.defined()) visit(name, value);
  } else if (state_.values.contains(path(name))) {
    visit(name, value);
  } else {
    value = T();
  }
}

void StateVisitor::operator()(std::string_view name, int64_t& value) {
  visit(name, value);
}
void StateVisitor::operator()(std::string_view name, int& value) {
  int64_t wide = value;
  visit(name, wide);
  value = static_cast<int>(wide);
}
void StateVisitor::operator()(std::string_view name, bool& value) {
  int64_t wide = value ? 1 : 0;
  visit(name, wide);
  value = wide != 0;
}
void StateVisitor::operator()(std::string_view name, double& value) {
  visit(name, value);
}
void StateVisitor::operator()(std::string_view name, std::string& value) {
  visit(name, value);
}
void StateVisitor::operator()(std::string_view name, std::vector<int64_t>& value) {
  visit(name, value);
}
void StateVisitor::operator()(std::string_view name, Tensor& value) {
  Tensor copy;
  if (value.defined() && !restores_) copy = Tensor::from(value.shape(), value.values());
  visit_optional(name, copy);
  if (!restores_) return;
  value = copy.defined() ? Tensor::from(copy.shape(), copy.values()) : Tensor();
}
void StateVisitor::operator()(std::string_view name, Mask& value) {
  visit_optional(name, value);
}

void StateVisitor::require_all_used() const {
  for (const auto& [name, value] : state_.values) {
    if (used_.contains(name)) continue;
    throw Error("state",
                "nothing here has a place for '" + name + "': it was saved by something else");
  }
}

StateVisitor::Scope::Scope(StateVisitor& visitor, std::string_view name)
    : visitor_(visitor), previous_length_(visitor.prefix_.size()) {
  if (name.empty()) return;
  if (!visitor.prefix_.empty()) visitor.prefix_ += '.';
  visitor.prefix_ += name;
}
StateVisitor::Scope::~Scope() {
  visitor_.prefix_.resize(previous_length_);
}

}  // namespace espalier::nn
