#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/config/option_info.h"
#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// What a number may be: `{.min = 0, .below = 1, .fallback = 0.5}` is [0, 1) and 0.5 if not given.
struct NumberOptions {
  std::optional<double> min = {};    ///< at least
  std::optional<double> above = {};  ///< more than
  std::optional<double> max = {};    ///< at most
  std::optional<double> below = {};  ///< less than
  std::optional<double> fallback = {};
  std::string_view help = {};  ///< a sentence that explains the option
};

/// What an integer may be, bounds included.
struct IntegerOptions {
  std::optional<std::int64_t> min = {};
  std::optional<std::int64_t> max = {};
  std::optional<std::int64_t> fallback = {};
  std::string_view help = {};  ///< a sentence that explains the option
};

/// What listings say of a value that no method of MapReader reads, but the caller by hand.
struct FreeOptions {
  std::string_view allowed = {};   ///< "a whole number of at least 1, or once"
  std::string_view fallback = {};  ///< what holds when the key is left out: "16"
  std::string_view help = {};      ///< a sentence that explains the option
};

/// Strict reading of one map: ask for each key that you know, then call finish(), which complains
/// about keys that nobody asked for.
///
///     MapReader reader(rule.map(), "AGPruner rule 1");
///     const double sparsity = reader.number("sparsity", {.min = 0, .below = 1});
///     const std::string mode = reader.choice("mode", {"linear", "cubic"}, "cubic");
///     reader.finish();
///
/// A key without a fallback is required. What was read, fallbacks included, is kept (`as_read`),
/// and so is what was asked for (`options`), from which listings and documentation are made: give
/// each option its sentence. All errors are ConfigErrors; they name the position (or `AGPruner rule
/// 1, key 'sparsity'` for a map made in code), the value found and what is allowed.
class MapReader {
 public:
  /// \param map   a map, or null, which is read as an empty one
  /// \param what  what the map describes, for messages: "AGPruner rule 1"
  MapReader(Value map, std::string what);

  /// From now on no key is required: a missing one without a fallback reads as some value in its
  /// bounds (false, the first of the choices, an empty text or list, null). Keys that are there are
  /// checked as ever. For a map whose options will not be used.
  void require_nothing() { requires_ = false; }

  /// A finite number in the given bounds; integers are taken too.
  double number(std::string_view key, const NumberOptions& options = {});
  /// An integer in the given bounds; `3.0` is not one.
  std::int64_t integer(std::string_view key, const IntegerOptions& options = {});
  bool boolean(std::string_view key, std::optional<bool> fallback = {}, std::string_view help = {});
  /// Text; a number or truth value is refused with the hint to quote it.
  std::string text(std::string_view key, std::optional<std::string> fallback = {},
                   std::string_view help = {});
  /// One of `names`; upper and lower case differ.
  std::string choice(std::string_view key, const std::vector<std::string>& names,
                     std::optional<std::string> fallback = {}, std::string_view help = {});

  /// Lists; a single value counts as a list of one. The options hold for each item; their own
  /// fallback is not used.
  std::vector<std::string> strings(std::string_view key,
                                   std::optional<std::vector<std::string>> fallback = {},
                                   std::string_view help = {});
  std::vector<double> numbers(std::string_view key, const NumberOptions& each = {},
                              std::optional<std::vector<double>> fallback = {});
  std::vector<std::int64_t> integers(std::string_view key, const IntegerOptions& each = {},
                                     std::optional<std::vector<std::int64_t>> fallback = {});

  /// The value under `key` as it is, or a null pointer; the key counts as asked for. The pointer
  /// lives as long as the reader.
  const Value* find(std::string_view key, std::string_view help = {});
  /// The same for a value that is read by hand: listings then know what it may be.
  const Value* find(std::string_view key, const FreeOptions& options);
  /// The same, but the key is required.
  const Value& require(std::string_view key);
  /// True if the key is there; it counts as asked for.
  bool has(std::string_view key) { return find(key) != nullptr; }

  /// Throws a ConfigError about `key` in the style of the others: `reader.fail("levels", "must
  /// rise")`.
  [[noreturn]] void fail(std::string_view key, std::string_view complaint) const;
  /// The same about an item of a list.
  [[noreturn]] void fail_item(std::string_view key, std::size_t item,
                              std::string_view complaint) const;
  /// Fails unless `holds`, for what involves several keys; the first is named:
  /// `reader.check(end > start, {"end_epoch", "start_epoch"}, "must be after start_epoch")`.
  /// Does nothing where one of them is missing and after `require_nothing` only made up.
  void check(bool holds, std::initializer_list<std::string_view> keys,
             std::string_view complaint) const;

  /// Throws a ConfigError for the first key that nobody asked for, with the nearest known one.
  void finish() const;

  /// Every key asked for and found, as it was written, and every fallback that stood in for one, in
  /// the order they were asked for: the map that spells everything out and reads as the same.
  const Value& as_read() const { return as_read_; }
  /// Every key asked for, there or not, in the order it was first asked for.
  const std::vector<OptionInfo>& options() const { return options_; }
  const Value& map() const { return map_; }
  const std::string& what() const { return what_; }

 private:
  /// Keeps what is asked for; what is already known of the key is made more precise.
  void record(OptionInfo option);
  const Value* look_up(std::string_view key);
  bool asked_for(std::string_view key) const;
  std::vector<std::string> known() const;
  /// The fallback for a key that is not there, or null: then the key is required.
  template <typename T>
  const T* fall_back(std::string_view key, const std::optional<T>& fallback);
  /// Whether a value for this key must be made up; see `require_nothing`.
  bool makes_up(std::string_view key);
  std::vector<std::string> unasked() const;
  Position key_position(std::string_view key) const;
  [[noreturn]] void fail_at(const Position& position, std::string_view key,
                            std::string_view complaint) const;
  [[noreturn]] void fail_key(const Position& position, std::string_view key,
                             std::string_view problem, std::string_view hint) const;
  [[noreturn]] void refuse(std::string_view key, const Value& value,
                           std::string_view allowed) const;
  double checked_number(std::string_view key, const Value& value,
                        const NumberOptions& options) const;
  std::int64_t checked_integer(std::string_view key, const Value& value,
                               const IntegerOptions& options) const;
  std::string checked_text(std::string_view key, const Value& value) const;
  template <typename T, typename Check>
  std::vector<T> items(std::string_view key, std::optional<std::vector<T>> fallback, Check check);

  Value map_;
  std::string what_;
  Value as_read_ = Value::map();
  Value nothing_;  // what `require` returns where nothing is required
  bool requires_ = true;
  std::vector<OptionInfo> options_;   // asked for, in that order
  std::vector<std::string> made_up_;  // the keys of those whose value was made up
};

}  // namespace espalier::compress
