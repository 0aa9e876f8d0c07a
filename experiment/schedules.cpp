#include "espalier/experiment/schedules.h"

#include "espalier/experiment/clock.h"

namespace espalier::experiment {
namespace {

using compress::MapReader;
using compress::Value;

/// Far more than anyone waits for, and safely an int.
constexpr int64_t most_epochs = 1000000;

MakeSchedule read_step(MapReader& reader, Value& spelled_out) {
  const int64_t every =
      reader.integer("every", {.min = 1, .help = "Epochs or steps between two reductions."});
  const double gamma = reader.number(
      "gamma",
      {.above = 0, .fallback = 0.1, .help = "The learning rate is multiplied by this each time."});
  const nn::TimeUnit unit = read_unit(reader);
  spelled_out = Value::map({{"every", every}, {"gamma", gamma}, {"unit", nn::name_of(unit)}});
  return [=] { return nn::step_decay(every, gamma, unit); };
}

MakeSchedule read_multi_step(MapReader& reader, Value& spelled_out) {
  const std::vector<int64_t> at =
      reader.integers("at", {.min = 1, .help = "The epochs at whose start it is reduced, rising."});
  for (size_t i = 1; i < at.size(); ++i) {
    if (at[i] <= at[i - 1]) reader.fail_item("at", i, "must be above the one before it");
  }
  const double gamma = reader.number(
      "gamma",
      {.above = 0, .fallback = 0.1, .help = "The learning rate is multiplied by this each time."});
  const nn::TimeUnit unit = read_unit(reader);
  spelled_out = Value::map({{"at", at}, {"gamma", gamma}, {"unit", nn::name_of(unit)}});
  return [=] { return nn::multi_step(at, gamma, unit); };
}

MakeSchedule read_plateau(MapReader& reader, Value& spelled_out) {
  nn::PlateauOptions options;
  const std::string watch = reader.choice(
      "watch", {"loss", "accuracy"}, "loss",
      "The result that must improve, on the pictures that the network is judged with.");
  options.watch =
      watch == "loss" ? nn::PlateauOptions::Watch::loss : nn::PlateauOptions::Watch::accuracy;
  options.factor = reader.number(
      "factor", {.above = 0,
                 .below = 1,
                 .fallback = options.factor,
                 .help = "The learning rate is multiplied by this when results improve no more."});
  const auto epochs = [&](const char* key, int fallback, std::string_view help) {
    return static_cast<int>(
        reader.integer(key, {.min = 0, .max = most_epochs, .fallback = fallback, .help = help}));
  };
  options.patience =
      epochs("patience", options.patience, "So many epochs without improvement are put up with.");
  options.threshold =
      reader.number("threshold", {.min = 0,
                                  .below = 1,
                                  .fallback = options.threshold,
                                  .help = "An improvement by a smaller part than this is none."});
  options.cooldown =
      epochs("cooldown", options.cooldown, "Epochs after a reduction that are not counted.");
  options.min_factor =
      reader.number("min_factor", {.min = 0,
                                   .max = 1,
                                   .fallback = options.min_factor,
                                   .help = "The product of all reductions goes no lower."});
  spelled_out = Value::map({{"watch", watch},
                            {"factor", options.factor},
                            {"patience", options.patience},
                            {"threshold", options.threshold},
                            {"cooldown", options.cooldown},
                            {"min_factor", options.min_factor}});
  return [=] { return nn::reduce_on_plateau(options); };
}

MakeSchedule read_warmup(MapReader& reader, Value& spelled_out) {
  nn::Warmup warmup;
  spelled_out = Value::map();
  if (reader.find("steps", "Length of the way up in optimizer steps; instead of epochs.")) {
    if (reader.has("epochs")) reader.fail("steps", "cannot be given together with epochs");
    warmup.steps = reader.integer("steps", {.min = 1});
    spelled_out.set("steps", warmup.steps);
  } else {
    warmup.epochs =
        reader.number("epochs", {.above = 0, .help = "Length of the way up in epochs."});
    spelled_out.set("epochs", warmup.epochs);
  }
  warmup.start_factor =
      reader.number("from", {.min = 0,
                             .below = 1,
                             .fallback = 0,
                             .help = "The part of the learning rate that it begins with."});
  spelled_out.set("from", warmup.start_factor);
  const Value* then = reader.find(
      "then", {.allowed = "a schedule",
               .fallback = "constant",
               .help = "The schedule behind it, whose clock runs from the start of the training."});
  const Choice<MakeSchedule> behind =
      read_choice(then ? *then : Value("constant"), "schedule", schedule_kinds());
  spelled_out.set("then", behind.to_value());
  return [warmup, make = behind.thing] { return nn::with_warmup(make(), warmup); };
}

MakeSchedule read_one_cycle(MapReader& reader, Value& spelled_out) {
  const double warmup = reader.number(
      "warmup", {.min = 0,
                 .below = 1,
                 .fallback = 0.3,
                 .help = "The part of the training in which the learning rate rises."});
  spelled_out = Value::map({{"warmup", warmup}});
  return [=] { return nn::one_cycle(warmup); };
}

}  // namespace

const std::vector<Kind<MakeSchedule>>& schedule_kinds() {
  static const std::vector<Kind<MakeSchedule>> kinds = {
      {"constant", "the learning rate stays",
       [](MapReader&, Value&) -> MakeSchedule { return nn::constant; }},
      {"step", "times gamma after every so many epochs or steps", read_step},
      {"multi_step", "times gamma at each of the listed epochs or steps", read_multi_step},
      {"cosine", "down to 0 along half a cosine",
       [](MapReader&, Value&) -> MakeSchedule { return nn::cosine; }},
      {"one_cycle", "up for a part of the training, then down to 0", read_one_cycle},
      {"reduce_on_plateau", "times factor when the results improve no more", read_plateau},
      {"warmup", "a straight way up in front of another schedule", read_warmup},
  };
  return kinds;
}

}  // namespace espalier::experiment
