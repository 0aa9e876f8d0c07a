#include "espalier/compress/config/map_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/config/scalar.h"

namespace espalier::compress {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// One end of a range.
struct Bound {
  std::string text;
  bool inclusive;
};

/// "a number in [0, 1)", "an integer of at least 1", "a number".
std::string range_text(std::string_view noun, const std::optional<Bound>& low,
                       const std::optional<Bound>& high) {
  std::string text(noun);
  if (low && high) {
    return text + " in " + (low->inclusive ? "[" : "(") + low->text + ", " + high->text +
           (high->inclusive ? "]" : ")");
  }
  if (low) return text + (low->inclusive ? " of at least " : " above ") + low->text;
  if (high) return text + (high->inclusive ? " of at most " : " below ") + high->text;
  return text;
}

std::string range_text(const NumberOptions& options) {
  std::optional<Bound> low, high;
  if (options.min) low = {number_text(*options.min), true};
  if (options.above) low = {number_text(*options.above), false};
  if (options.max) high = {number_text(*options.max), true};
  if (options.below) high = {number_text(*options.below), false};
  return range_text("a number", low, high);
}

std::string range_text(const IntegerOptions& options) {
  std::optional<Bound> low, high;
  if (options.min) low = {std::to_string(*options.min), true};
  if (options.max) high = {std::to_string(*options.max), true};
  return range_text("an integer", low, high);
}

bool inside(double number, const NumberOptions& options) {
  return std::isfinite(number) && !(options.min && number < *options.min) &&
         !(options.above && number <= *options.above) && !(options.max && number > *options.max) &&
         !(options.below && number >= *options.below);
}

using Kind = OptionInfo::Kind;

/// What is known of any option; `fallback` is an optional value of some type.
template <typename T>
OptionInfo option_of(std::string_view key, Kind kind, std::string allowed,
                     const std::optional<T>& fallback, std::string_view help) {
  OptionInfo option{.key = std::string(key), .kind = kind, .allowed = std::move(allowed)};
  if (fallback) option.fallback = Value(*fallback);
  option.required = !fallback;
  option.help = help;
  return option;
}

OptionInfo with_bounds(OptionInfo option, const NumberOptions& bounds) {
  option.min = bounds.min;
  option.above = bounds.above;
  option.max = bounds.max;
  option.below = bounds.below;
  return option;
}

OptionInfo with_bounds(OptionInfo option, const IntegerOptions& bounds) {
  if (bounds.min) option.min = static_cast<double>(*bounds.min);
  if (bounds.max) option.max = static_cast<double>(*bounds.max);
  return option;
}

/// A number that is inside, wherever the bounds leave room.
double some_number(const NumberOptions& options) {
  if (options.min) return *options.min;
  if (options.max) return *options.max;
  if (options.above && options.below) return (*options.above + *options.below) / 2;
  if (options.above) return *options.above + 1;
  if (options.below) return *options.below - 1;
  return 0;
}

}  // namespace

MapReader::MapReader(Value map, std::string what) : map_(std::move(map)), what_(std::move(what)) {
  if (map_.is_null()) {
    Value empty = Value::map();
    empty.set_position(map_.position());
    map_ = std::move(empty);
  }
  if (!map_.is_map()) {
    throw ConfigError(map_.position(),
                      what_ + " must be a map of 'key: value', not " + map_.describe());
  }
}

template <typename T>
const T* MapReader::fall_back(std::string_view key, const std::optional<T>& fallback) {
  if (look_up(key) != nullptr || !fallback) return nullptr;
  as_read_.set(std::string(key), Value(*fallback));
  return &*fallback;
}

bool MapReader::makes_up(std::string_view key) {
  if (requires_ || look_up(key) != nullptr) return false;
  made_up_.emplace_back(key);
  return true;
}

double MapReader::number(std::string_view key, const NumberOptions& options) {
  record(with_bounds(
      option_of(key, Kind::number, range_text(options), options.fallback, options.help), options));
  if (const double* fallback = fall_back(key, options.fallback)) return *fallback;
  if (makes_up(key)) return some_number(options);
  return checked_number(key, require(key), options);
}

std::int64_t MapReader::integer(std::string_view key, const IntegerOptions& options) {
  record(with_bounds(
      option_of(key, Kind::integer, range_text(options), options.fallback, options.help), options));
  if (const std::int64_t* fallback = fall_back(key, options.fallback)) return *fallback;
  if (makes_up(key)) return options.min.value_or(options.max.value_or(0));
  return checked_integer(key, require(key), options);
}

bool MapReader::boolean(std::string_view key, std::optional<bool> fallback, std::string_view help) {
  record(option_of(key, Kind::boolean, "true or false", fallback, help));
  if (const bool* stand_in = fall_back(key, fallback)) return *stand_in;
  if (makes_up(key)) return false;
  const Value& given = require(key);
  if (!given.is_boolean()) refuse(key, given, "true or false");
  return given.as_boolean();
}

std::string MapReader::text(std::string_view key, std::optional<std::string> fallback,
                            std::string_view help) {
  record(option_of(key, Kind::text, "text", fallback, help));
  if (const std::string* stand_in = fall_back(key, fallback)) return *stand_in;
  if (makes_up(key)) return {};
  return checked_text(key, require(key));
}

std::string MapReader::choice(std::string_view key, const std::vector<std::string>& names,
                              std::optional<std::string> fallback, std::string_view help) {
  OptionInfo option = option_of(key, Kind::choice, "one of " + joined(names), fallback, help);
  option.choices = names;
  record(std::move(option));
  if (const std::string* stand_in = fall_back(key, fallback)) return *stand_in;
  if (makes_up(key)) return names.empty() ? std::string() : names.front();
  const Value& given = require(key);
  const std::string one_of = "must be one of " + joined(names) + ", not ";
  if (!given.is_text()) fail_at(given.position(), key, one_of + given.describe());
  const std::string& word = given.as_text();
  if (std::find(names.begin(), names.end(), word) == names.end()) {
    fail_at(given.position(), key, one_of + given.describe() + did_you_mean(word, names));
  }
  return word;
}

template <typename T, typename Check>
std::vector<T> MapReader::items(std::string_view key, std::optional<std::vector<T>> fallback,
                                Check check) {
  if (const std::vector<T>* stand_in = fall_back(key, fallback)) return *stand_in;
  if (makes_up(key)) return {};
  const Value& given = require(key);
  if (!given.is_list()) return {check(std::string(key), given)};
  std::vector<T> result;
  for (const Value& item : given.as_list()) {
    const std::string place = std::string(key) + "[" + std::to_string(result.size()) + "]";
    result.push_back(check(place, item));
  }
  return result;
}

std::vector<std::string> MapReader::strings(std::string_view key,
                                            std::optional<std::vector<std::string>> fallback,
                                            std::string_view help) {
  record(option_of(key, Kind::strings, "a word or a list of words", fallback, help));
  return items<std::string>(
      key, std::move(fallback),
      [this](const std::string& place, const Value& item) { return checked_text(place, item); });
}

std::vector<double> MapReader::numbers(std::string_view key, const NumberOptions& each,
                                       std::optional<std::vector<double>> fallback) {
  record(with_bounds(
      option_of(key, Kind::numbers, range_text(each) + ", or a list of such", fallback, each.help),
      each));
  return items<double>(key, std::move(fallback),
                       [this, &each](const std::string& place, const Value& item) {
                         return checked_number(place, item, each);
                       });
}

std::vector<std::int64_t> MapReader::integers(std::string_view key, const IntegerOptions& each,
                                              std::optional<std::vector<std::int64_t>> fallback) {
  record(with_bounds(
      option_of(key, Kind::integers, range_text(each) + ", or a list of such", fallback, each.help),
      each));
  return items<std::int64_t>(key, std::move(fallback),
                             [this, &each](const std::string& place, const Value& item) {
                               return checked_integer(place, item, each);
                             });
}

const Value* MapReader::find(std::string_view key, std::string_view help) {
  return find(key, FreeOptions{.help = help});
}

const Value* MapReader::find(std::string_view key, const FreeOptions& options) {
  OptionInfo option{.key = std::string(key), .allowed = std::string(options.allowed)};
  if (!options.fallback.empty()) option.fallback = Value(options.fallback);
  option.help = options.help;
  record(std::move(option));
  return look_up(key);
}

void MapReader::record(OptionInfo option) {
  const auto at =
      std::find_if(options_.begin(), options_.end(),
                   [&option](const OptionInfo& known) { return known.key == option.key; });
  if (at == options_.end()) {
    options_.push_back(std::move(option));
    return;
  }
  // Often a key is looked for first and then read as something, such as a number. What its first
  // question said in words stays.
  OptionInfo& known = *at;
  if (known.kind == Kind::any && option.kind != Kind::any) {
    if (!known.allowed.empty()) option.allowed = known.allowed;
    if (known.fallback) option.fallback = known.fallback;
    if (!known.help.empty()) option.help = known.help;
    known = std::move(option);
    return;
  }
  known.required = known.required || option.required;
  if (known.help.empty()) known.help = option.help;
  if (known.allowed.empty()) known.allowed = option.allowed;
  if (!known.fallback) known.fallback = option.fallback;
}

const Value* MapReader::look_up(std::string_view key) {
  const Value* value = std::as_const(map_).find(key);
  if (value != nullptr) as_read_.set(std::string(key), *value, key_position(key));
  return value;
}

const Value& MapReader::require(std::string_view key) {
  // What has been asked for by its kind is known already.
  if (!asked_for(key)) record({.key = std::string(key), .required = true});
  const Value* value = look_up(key);
  if (value != nullptr) return *value;
  if (makes_up(key)) return nothing_;
  // Often the key is there, but mistyped; finish() would never be reached to say so.
  const std::string typo = nearest(key, unasked());
  if (typo.empty()) fail_key(map_.position(), key, "missing key", "");
  fail_key(key_position(typo), key, "missing key", "; is '" + typo + "' meant to be it?");
}

void MapReader::fail(std::string_view key, std::string_view complaint) const {
  const Value* value = map_.find(key);
  fail_at(value != nullptr ? value->position() : map_.position(), key, complaint);
}

void MapReader::fail_item(std::string_view key, std::size_t item,
                          std::string_view complaint) const {
  const Value* value = map_.find(key);
  if (value == nullptr || !value->is_list()) fail(key, complaint);
  const std::string place = std::string(key) + "[" + std::to_string(item) + "]";
  fail_at(value->as_list().at(item).position(), place, complaint);
}

void MapReader::check(bool holds, std::initializer_list<std::string_view> keys,
                      std::string_view complaint) const {
  if (holds || keys.size() == 0) return;
  for (const std::string_view key : keys) {
    if (std::find(made_up_.begin(), made_up_.end(), key) != made_up_.end()) return;
  }
  fail(*keys.begin(), complaint);
}

void MapReader::finish() const {
  const std::vector<std::string> unknown = unasked();
  if (unknown.empty()) return;
  const std::string& key = unknown.front();
  const std::vector<std::string> known_keys = known();
  const std::string near = did_you_mean(key, known_keys);
  const std::string all =
      known_keys.empty() ? "no options are known here" : "Known keys: " + joined(known_keys);
  const std::string gap = !near.empty() ? " " : known_keys.empty() ? "; " : ". ";
  fail_key(key_position(key), key, "unknown key", near + gap + all);
}

bool MapReader::asked_for(std::string_view key) const {
  return std::any_of(options_.begin(), options_.end(),
                     [key](const OptionInfo& option) { return option.key == key; });
}

std::vector<std::string> MapReader::known() const {
  std::vector<std::string> keys;
  for (const OptionInfo& option : options_) keys.push_back(option.key);
  return keys;
}

std::vector<std::string> MapReader::unasked() const {
  std::vector<std::string> keys;
  for (const Member& member : map_.as_map()) {
    if (!asked_for(member.key)) keys.push_back(member.key);
  }
  return keys;
}

Position MapReader::key_position(std::string_view key) const {
  const auto& members = map_.as_map();
  const auto at = std::find_if(members.begin(), members.end(),
                               [key](const Member& member) { return member.key == key; });
  return at == members.end() ? Position() : at->key_position;
}

void MapReader::fail_at(const Position& position, std::string_view key,
                        std::string_view complaint) const {
  const std::string name(key), text(complaint);
  if (!position.known()) throw ConfigError(what_ + ", key '" + name + "': " + text);
  throw ConfigError(position, name + " " + text + " (in " + what_ + ")");
}

void MapReader::fail_key(const Position& position, std::string_view key, std::string_view problem,
                         std::string_view hint) const {
  const std::string name = "key '" + std::string(key) + "'", rest(hint), trouble(problem);
  if (!position.known()) throw ConfigError(what_ + ", " + name + ": " + trouble + rest);
  // `problem` ends in "key".
  throw ConfigError(position, trouble + " '" + std::string(key) + "' in " + what_ + rest);
}

void MapReader::refuse(std::string_view key, const Value& value, std::string_view allowed) const {
  fail_at(value.position(), key, "must be " + std::string(allowed) + ", not " + value.describe());
}

double MapReader::checked_number(std::string_view key, const Value& value,
                                 const NumberOptions& options) const {
  if (!value.is_number() || !inside(value.as_number(), options)) {
    refuse(key, value, range_text(options));
  }
  return value.as_number();
}

std::int64_t MapReader::checked_integer(std::string_view key, const Value& value,
                                        const IntegerOptions& options) const {
  if (!value.is_integer()) refuse(key, value, range_text(options));
  const std::int64_t number = value.as_integer();
  const bool fits =
      !(options.min && number < *options.min) && !(options.max && number > *options.max);
  if (!fits) refuse(key, value, range_text(options));
  return number;
}

std::string MapReader::checked_text(std::string_view key, const Value& value) const {
  if (value.is_text()) return value.as_text();
  const bool word = value.is_number() || value.is_boolean();
  fail_at(value.position(), key,
          "must be text, not " + value.describe() + (word ? "; put it in quotes" : ""));
}

}  // namespace espalier::compress
