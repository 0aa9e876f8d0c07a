// Optimizers and schedules explain their options, and hold to what they say.
#include "espalier/compress/option_list.h"

#include <catch2/catch.hpp>

#include "espalier/compress/config/config_error.h"
#include "espalier/experiment/optimizers.h"
#include "espalier/experiment/schedules.h"

using namespace espalier;
using namespace espalier::experiment;
using compress::MapReader;
using compress::OptionInfo;
using compress::Value;

namespace {

template <class Thing>
void check_kinds(const std::vector<Kind<Thing>>& kinds) {
  for (const Kind<Thing>& kind : kinds) {
    INFO(kind.name);
    CHECK_FALSE(kind.description.empty());
    const auto read = [&kind](MapReader& reader) {
      Value spelled_out = Value::map();
      kind.read(reader, spelled_out);
    };
    const compress::OptionList list = compress::describe_options(read, kind.name);
    CHECK(list.gap.empty());
    Value required = Value::map();
    for (const OptionInfo& option : list.options)
      if (option.required) required.set(option.key, sample_value(option));
    // With what is required it can be chosen, and not without.
    CHECK_NOTHROW(read_choice(Value::map({{kind.name, required}}), "kind", kinds));
    if (!required.as_map().empty()) CHECK_THROWS(read_choice(Value(kind.name), "kind", kinds));
    for (const OptionInfo& option : list.options) {
      INFO(option.key);
      CHECK_FALSE(option.allowed.empty());
      CHECK_THAT(option.help, Catch::EndsWith("."));
      Value wrong = required;
      wrong.set(option.key, Value::map({{"no_such", 1}}));
      CHECK_THROWS_AS(read_choice(Value::map({{kind.name, wrong}}), "kind", kinds),
                      compress::ConfigError);
    }
  }
}

}  // namespace

TEST_CASE("options of optimizers and schedules are explained, and refuse what they must") {
  check_kinds(optimizer_kinds());
  check_kinds(schedule_kinds());
}
