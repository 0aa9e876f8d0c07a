#include "espalier/compress/config/option_info.h"

#include <cmath>
#include <cstdint>

#include "espalier/compress/config/scalar.h"

namespace espalier::compress {
namespace {

/// Halfway between the bounds, or one away from the only one.
double sample_number(const OptionInfo& option) {
  const std::optional<double>& low = option.min ? option.min : option.above;
  const std::optional<double>& high = option.max ? option.max : option.below;
  if (low && high) return (*low + *high) / 2;
  if (low) return *low + 1;
  return high ? *high - 1 : 1;
}

std::int64_t sample_integer(const OptionInfo& option) {
  if (option.min) return std::llround(*option.min) + (option.max == option.min ? 0 : 1);
  return option.max ? std::llround(*option.max) : 1;
}

}  // namespace

Value sample_value(const OptionInfo& option) {
  using Kind = OptionInfo::Kind;
  if (option.fallback) {
    // What is read by hand has its default in words.
    const bool words = option.kind == Kind::any && option.fallback->is_text();
    return words ? plain_scalar(option.fallback->as_text()) : *option.fallback;
  }
  switch (option.kind) {
    case Kind::boolean:
      return Value(true);
    case Kind::number:
    case Kind::numbers:
      return Value(sample_number(option));
    case Kind::integer:
    case Kind::integers:
      return Value(sample_integer(option));
    case Kind::choice:
      return option.choices.empty() ? Value() : Value(option.choices.front());
    case Kind::text:
    case Kind::strings:
      return Value("name");
    case Kind::any:
      break;
  }
  return Value();
}

}  // namespace espalier::compress
