#include "espalier/compress/config/value.h"

#include <algorithm>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/scalar.h"

namespace espalier::compress {

Value::Value() = default;
Value::Value(std::nullptr_t) {}
Value::Value(const char* text) {
  if (text != nullptr) data_.emplace<std::string>(text);
}
Value::Value(std::string text) : data_(std::in_place_type<std::string>, std::move(text)) {}
Value::Value(std::string_view text) : data_(std::in_place_type<std::string>, text) {}
Value::Value(std::initializer_list<Value> items) : data_(std::in_place_type<List>, items) {}
Value::Value(List items) : data_(std::in_place_type<List>, std::move(items)) {}

Value::Value(Exact, bool flag) : data_(std::in_place_type<bool>, flag) {}
Value::Value(Exact, std::int64_t number) : data_(std::in_place_type<std::int64_t>, number) {}
Value::Value(Exact, double number) : data_(std::in_place_type<double>, number) {}

Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value Value::map(std::initializer_list<Member> members) {
  Value result = map();
  for (const Member& member : members) {
    if (result.find(member.key) != nullptr) {
      throw ConfigError(member.key_position, "key '" + member.key + "' is given twice in one map");
    }
    result.set(member.key, member.value, member.key_position);
  }
  return result;
}

Value Value::map() {
  Value result;
  result.data_.emplace<Map>();
  return result;
}

Value Value::list() {
  return Value(List());
}

bool Value::as_boolean() const {
  if (!is_boolean()) refuse("true or false");
  return std::get<bool>(data_);
}

std::int64_t Value::as_integer() const {
  if (!is_integer()) refuse("an integer");
  return std::get<std::int64_t>(data_);
}

double Value::as_number() const {
  if (is_integer()) return static_cast<double>(std::get<std::int64_t>(data_));
  if (!is_number()) refuse("a number");
  return std::get<double>(data_);
}

const std::string& Value::as_text() const {
  if (!is_text()) refuse("text");
  return std::get<std::string>(data_);
}

const Value::List& Value::as_list() const {
  if (!is_list()) refuse("a list");
  return std::get<List>(data_);
}

const Value::Map& Value::as_map() const {
  if (!is_map()) refuse("a map");
  return std::get<Map>(data_);
}

const Value* Value::find(std::string_view key) const {
  const Map* members = std::get_if<Map>(&data_);
  if (members == nullptr) return nullptr;
  const auto at = std::find_if(members->begin(), members->end(),
                               [key](const Member& member) { return member.key == key; });
  return at == members->end() ? nullptr : &at->value;
}

Value* Value::find(std::string_view key) {
  return const_cast<Value*>(static_cast<const Value&>(*this).find(key));
}

void Value::set(std::string key, Value value, Position key_position) {
  if (is_null()) data_.emplace<Map>();
  if (!is_map()) refuse("a map");
  Map& members = std::get<Map>(data_);
  const auto at = std::find_if(members.begin(), members.end(),
                               [&key](const Member& member) { return member.key == key; });
  if (at == members.end()) {
    members.emplace_back(std::move(key), std::move(value), std::move(key_position));
  } else {
    at->value = std::move(value);
    at->key_position = std::move(key_position);
  }
}

void Value::append(Value item) {
  if (is_null()) data_.emplace<List>();
  if (!is_list()) refuse("a list");
  std::get<List>(data_).push_back(std::move(item));
}

std::string Value::describe() const {
  switch (kind()) {
    case Kind::text:
      return quoted(as_text());
    case Kind::list:
    case Kind::map:
    case Kind::null:
      return std::string(kind_name(kind()));
    default:
      return scalar_text(*this);
  }
}

void Value::refuse_large_integer() {
  throw ConfigError("an integer of the configuration does not fit 64 signed bits");
}

void Value::refuse(std::string_view expected) const {
  throw ConfigError(position_, "expected " + std::string(expected) + ", not " + describe());
}

Member::Member(std::string key_, Value value_, Position key_position_)
    : key(std::move(key_)), value(std::move(value_)), key_position(std::move(key_position_)) {}

bool operator==(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Value::Kind::boolean:
      return a.as_boolean() == b.as_boolean();
    case Value::Kind::integer:
      return a.as_integer() == b.as_integer();
    case Value::Kind::real:
      return a.as_number() == b.as_number();
    case Value::Kind::text:
      return a.as_text() == b.as_text();
    case Value::Kind::list:
      return a.as_list() == b.as_list();
    case Value::Kind::map:
      return a.as_map() == b.as_map();
    case Value::Kind::null:
      break;
  }
  return true;
}

bool operator==(const Member& a, const Member& b) {
  return a.key == b.key && a.value == b.value;
}

std::string_view kind_name(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::boolean:
      return "true or false";
    case Value::Kind::integer:
      return "an integer";
    case Value::Kind::real:
      return "a number";
    case Value::Kind::text:
      return "text";
    case Value::Kind::list:
      return "a list";
    case Value::Kind::map:
      return "a map";
    case Value::Kind::null:
      break;
  }
  return "nothing";
}

}  // namespace espalier::compress
