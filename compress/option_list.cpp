#include "espalier/compress/option_list.h"

#include <algorithm>
#include <exception>
#include <sstream>
#include <utility>

#include "espalier/compress/config/scalar.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/layer_rules.h"

namespace espalier::compress {
namespace {

using Kind = OptionInfo::Kind;
using Read = std::function<void(MapReader&)>;

/// What was asked for while some options were given, and what went wrong then, if anything.
struct Pass {
  std::vector<OptionInfo> asked;
  std::string error;

  const OptionInfo* find(const std::string& key) const {
    const auto at = std::find_if(asked.begin(), asked.end(),
                                 [&key](const OptionInfo& option) { return option.key == key; });
    return at == asked.end() ? nullptr : &*at;
  }
};

/// An option that is set to see what changes.
struct Setting {
  std::string key;
  Value value;
  std::string text;  ///< "unit: step", or "steps" where any value counts
};

class Survey {
 public:
  Survey(const Read& read, std::string what) : read_(read), what_(std::move(what)) {}

  OptionList run() {
    const Pass base = ask(Value::map());
    for (const OptionInfo& option : base.asked) listed_.push_back({option});
    make_precise(Value::map());
    vary(Value::map(), "", base);
    OptionList list;
    list.gap = base.error;
    for (Listed& each : listed_) {
      each.option.condition = condition_of(each);
      list.options.push_back(std::move(each.option));
    }
    return list;
  }

 private:
  struct Listed {
    OptionInfo option;
    std::vector<std::string> with = {};  ///< the settings that it is asked for with, if only then
    std::vector<std::string> without = {};  ///< the settings with which it is not asked for
    bool varied = false;                    ///< its other values have been tried
  };

  Pass ask(const Value& given) const {
    MapReader reader(given, what_);
    reader.require_nothing();
    Pass pass;
    try {
      read_(reader);
    } catch (const std::exception& error) {
      pass.error = error.what();
    }
    pass.asked = reader.options();
    return pass;
  }

  static Value with(Value given, const std::string& key, const Value& value) {
    given.set(key, value);
    return given;
  }

  /// A key that was only looked for may be read as something once it is there: with a value that
  /// nothing takes, the reader refuses it, but by then it knows as what.
  void make_precise(const Value& given) {
    for (Listed& each : listed_) {
      OptionInfo& option = each.option;
      if (option.kind != Kind::any || !option.allowed.empty() || given.find(option.key)) continue;
      const Pass pass = ask(with(given, option.key, Value()));
      const OptionInfo* precise = pass.find(option.key);
      if (!precise || precise->kind == Kind::any) continue;
      const bool required = option.required;
      option = *precise;
      option.required = required;
    }
  }

  static std::vector<Setting> settings_of(const OptionInfo& option) {
    std::vector<Setting> settings;
    const auto add = [&](const Value& value) {
      settings.push_back({option.key, value, option.key + ": " + scalar_text(value)});
    };
    const Value by_default = option.fallback.value_or(Value());
    if (option.kind == Kind::choice) {
      for (const std::string& word : option.choices) {
        if (Value(word) != by_default) add(Value(word));
      }
    } else if (option.kind == Kind::boolean) {
      for (const bool flag : {false, true}) {
        if (Value(flag) != by_default) add(Value(flag));
      }
    } else if (!option.required && !option.fallback && !sample_value(option).is_null()) {
      settings.push_back({option.key, sample_value(option), option.key});
    }
    return settings;
  }

  /// Tries the settings of all options that have not been tried, beside those given; `base` is what
  /// was asked for without them. What is new then is tried in its turn.
  void vary(const Value& given, const std::string& given_text, const Pass& base) {
    std::vector<Setting> settings;
    for (Listed& each : listed_) {
      if (each.varied || !base.find(each.option.key)) continue;
      each.varied = true;
      const std::vector<Setting> more = settings_of(each.option);
      settings.insert(settings.end(), more.begin(), more.end());
    }
    for (const Setting& setting : settings) {
      const Value changed = with(given, setting.key, setting.value);
      const std::string text =
          given_text.empty() ? setting.text : given_text + " and " + setting.text;
      const Pass pass = ask(changed);
      for (const OptionInfo& option : pass.asked) add_conditional(option, text, base);
      make_precise(changed);
      if (pass.error.empty()) {
        for (Listed& each : listed_) {
          const OptionInfo* before = base.find(each.option.key);
          const OptionInfo* now = pass.find(each.option.key);
          // A key that was required and is now only looked for must not stand beside the setting.
          const bool gone = before && (!now || (before->required && now->kind == Kind::any));
          if (gone && each.option.key != setting.key) each.without.push_back(text);
        }
      }
      if (given.as_map().size() < deepest) vary(changed, text, pass);
    }
  }

  void add_conditional(const OptionInfo& option, const std::string& text, const Pass& base) {
    if (base.find(option.key)) return;
    const auto at = std::find_if(listed_.begin(), listed_.end(), [&option](const Listed& each) {
      return each.option.key == option.key;
    });
    if (at == listed_.end()) {
      listed_.push_back({option, {text}});
    } else if (!at->with.empty()) {
      at->with.push_back(text);
    }
  }

  static std::string condition_of(const Listed& each) {
    const auto joined = [](const std::vector<std::string>& texts) {
      std::string all;
      for (const std::string& text : texts) all += (all.empty() ? "" : " or ") + text;
      return all;
    };
    if (!each.with.empty()) return "with " + joined(each.with);
    return each.without.empty() ? "" : "not with " + joined(each.without);
  }

  // An option that depends on one that depends on one: nobody would find their way further.
  static constexpr std::size_t deepest = 2;

  const Read& read_;
  std::string what_;
  std::vector<Listed> listed_;
};

}  // namespace

OptionList describe_options(const std::function<void(MapReader&)>& read, const std::string& what) {
  return Survey(read, what).run();
}

OptionList describe_options(const Registry::Entry& algorithm) {
  return describe_options(
      [&algorithm](MapReader& reader) { algorithm.make({})->ask_options(reader); },
      algorithm.name + " rule 1");
}

std::vector<OptionInfo> selector_options() {
  MapReader reader(Value::map(), "a rule");
  const LayerSelector selector(reader);
  return reader.options();
}

std::string algorithm_kind(const Registry::Entry& algorithm) {
  const std::string_view verb = algorithm.make({})->verb();
  if (verb == "prune") return "pruner";
  return verb == "quantize" ? "quantizer" : "algorithm";
}

std::string example_section(const Registry::Entry& algorithm) {
  if (algorithm.example.empty()) {
    Value rule = Value::map();
    for (const OptionInfo& option : describe_options(algorithm).options) {
      if (option.required && !option.condition.starts_with("with "))
        rule.set(option.key, sample_value(option));
    }
    rule.set("support_type", "default");
    return to_yaml(Value::map({{algorithm.name, Value::map({{"config", {rule}}})}}));
  }
  std::string section = algorithm.name + ":\n  config:\n";
  std::istringstream rules(algorithm.example);
  for (std::string line; std::getline(rules, line);) section += "    " + line + "\n";
  return section;
}

}  // namespace espalier::compress
