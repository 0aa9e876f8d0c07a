#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "espalier/compress/config/position.h"

namespace espalier::compress {

class Value;
struct Member;

/// The integer types a Value is made from: not `bool`, which is a truth value, and no characters.
template <typename T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                      !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                      !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

/// One node of a configuration: nothing, a truth value, a number, text, a list or a map.
///
/// Values come from YAML (then they know their position) or from plain C++: `0.8`, `"default"`,
/// `{"Conv2d", "Linear"}`. Braces always mean a list, also around one element (`{"fc2"}`), so write
/// `Value(x)` with parentheses for a single value or a copy. Empty braces are the null value.
/// A map is spelled out, `Value::map({{"warmup", 0.2}})`, because a list of pairs looks the same.
class Value {
 public:
  enum class Kind { null, boolean, integer, real, text, list, map };
  using List = std::vector<Value>;
  using Map = std::vector<Member>;  // in the order it was written: messages and files keep it

  Value();
  Value(std::nullptr_t);
  // Only `bool` itself: a pointer must not turn into `true`.
  template <std::same_as<bool> T>
  Value(T flag) : Value(Exact(), flag) {}
  /// Throws ConfigError if the number does not fit 64 signed bits.
  template <WholeNumber T>
  Value(T number) : Value(Exact(), to_integer(number)) {}
  template <std::floating_point T>
  Value(T number) : Value(Exact(), static_cast<double>(number)) {}
  Value(const char* text);  // a null pointer gives the null value
  Value(std::string text);
  Value(std::string_view text);
  Value(std::initializer_list<Value> items);
  Value(List items);
  /// A list from a vector of anything a Value can be made from.
  template <typename T>
  requires(!std::same_as<T, Value> && !std::same_as<T, Member> && std::convertible_to<T, Value>)
      Value(const std::vector<T>& items)
      : Value(List(items.begin(), items.end())) {}

  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();

  /// A map. Throws ConfigError if a key comes twice.
  static Value map(std::initializer_list<Member> members);
  static Value map();
  /// An empty list.
  static Value list();

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  bool is_null() const { return kind() == Kind::null; }
  bool is_boolean() const { return kind() == Kind::boolean; }
  bool is_integer() const { return kind() == Kind::integer; }
  /// An integer counts as a number too.
  bool is_number() const { return kind() == Kind::real || is_integer(); }
  bool is_text() const { return kind() == Kind::text; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_map() const { return kind() == Kind::map; }

  /// The content. Each throws ConfigError, with the position, if the value is of another kind;
  /// as_number() takes integers as well.
  bool as_boolean() const;
  std::int64_t as_integer() const;
  double as_number() const;
  const std::string& as_text() const;
  const List& as_list() const;
  const Map& as_map() const;

  /// The value under `key`, or null if there is none or this is not a map.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);

  /// Sets or adds a key of a map; the null value becomes a map first. Throws ConfigError otherwise.
  void set(std::string key, Value value, Position key_position = {});
  /// Adds to a list; the null value becomes a list first. Throws ConfigError otherwise.
  void append(Value item);

  const Position& position() const { return position_; }
  void set_position(Position position) { position_ = std::move(position); }

  /// A short text for messages: `0.8`, `'default'`, `nothing`, `a list`, `a map`.
  std::string describe() const;

 private:
  // What the templates above end in. Outside the class, where Member is complete: Clang compiles
  // bodies of templates that do not depend on T at once.
  struct Exact {};
  Value(Exact, bool flag);
  Value(Exact, std::int64_t number);
  Value(Exact, double number);

  template <typename T>
  static std::int64_t to_integer(T number) {
    if (!std::in_range<std::int64_t>(number)) refuse_large_integer();
    return static_cast<std::int64_t>(number);
  }
  [[noreturn]] static void refuse_large_integer();
  [[noreturn]] void refuse(std::string_view expected) const;

  // The order is that of Kind.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> data_;
  Position position_;
};

/// One `key: value` of a map.
struct Member {
  // A constructor, so that `"a"` or `{"a"}` alone never turns into a member.
  Member(std::string key, Value value, Position key_position = {});

  std::string key;
  Value value;
  /// Where the key stands; `value.position()` is where its value stands.
  Position key_position;
};

/// Equal in kind and content; positions do not count, and 1 is not 1.0.
bool operator==(const Value& a, const Value& b);
bool operator==(const Member& a, const Member& b);

/// What messages call a kind: "nothing", "true or false", "an integer", "a number", "text", ...
std::string_view kind_name(Value::Kind kind);

}  // namespace espalier::compress
