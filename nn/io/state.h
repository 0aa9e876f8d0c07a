#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "espalier/autograd/mask.h"
#include "espalier/autograd/tensor.h"

namespace espalier::nn {

/// Everything a training needs to go on exactly where it stopped, by name: what a checkpoint holds.
/// The parts of a name are joined by dots, such as `optimizer.steps`.
struct State {
  using Value = std::variant<int64_t, double, std::string, std::vector<int64_t>, Tensor, Mask>;
  std::map<std::string, Value, std::less<>> values;
};

/// Walks over what an object has to remember, in one of two directions: writes it to a `State`, or
/// puts back what a `State` holds. An object describes its memory once, for both:
///
///     void Dropout::visit_state(StateVisitor& state) { state("forwards", forwards_); }
///
/// so that what is saved and what is restored cannot drift apart.
class StateVisitor {
 public:
  /// A visitor that collects into `state`.
  static StateVisitor saving(State& state) { return StateVisitor(state, false); }
  /// A visitor that puts back what `state` holds.
  static StateVisitor restoring(State& state) { return StateVisitor(state, true); }

  bool restores() const { return restores_; }
  /// For the end of restoring. \throws Error naming a value that nothing has asked for: then the
  /// state is of something else
  void require_all_used() const;

  /// Saves `value` under `name`, or replaces it by what was saved.
  /// \throws Error when restoring and nothing, or something of another type, is stored there
  void operator()(std::string_view name, int64_t& value);
  void operator()(std::string_view name, int& value);
  void operator()(std::string_view name, bool& value);
  void operator()(std::string_view name, double& value);
  void operator()(std::string_view name, std::string& value);
  void operator()(std::string_view name, std::vector<int64_t>& value);
  /// An undefined tensor or mask is left out, and what is missing restores as undefined. A tensor
  /// is copied both ways: later changes of its memory do not reach the state.
  void operator()(std::string_view name, Tensor& value);
  void operator()(std::string_view name, Mask& value);

  /// While it lives, names lie below `name`.
  class Scope {
   public:
    Scope(StateVisitor& visitor, std::string_view name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    StateVisitor& visitor_;
    size_t previous_length_;
  };

 private:
  StateVisitor(State& state, bool restores) : state_(state), restores_(restores) {}
  std::string path(std::string_view name) const;
  template <class T>
  void visit(std::string_view name, T& value);
  template <class T>
  void visit_optional(std::string_view name, T& value);

  State& state_;
  bool restores_;
  std::string prefix_;
  std::set<std::string, std::less<>> used_;  // what restoring has asked for
};

}  // namespace espalier::nn
