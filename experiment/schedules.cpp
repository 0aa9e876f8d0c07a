#include "espalier/experiment/schedules.h"

namespace espalier::experiment {
namespace {

using compress::MapReader;
using compress::Value;

MakeSchedule read_step(MapReader& reader, Value& spelled_out) {
  const int64_t every = reader.integer("every", {.min = 1});
  const double gamma = reader.number("gamma", {.above = 0, .fallback = 0.1});
  spelled_out = Value::map({{"every", every}, {"gamma", gamma}});
  return [=] { return nn::step_decay(every, gamma); };
}

MakeSchedule read_one_cycle(MapReader& reader, Value& spelled_out) {
  const double warmup = reader.number("warmup", {.min = 0, .below = 1, .fallback = 0.3});
  spelled_out = Value::map({{"warmup", warmup}});
  return [=] { return nn::one_cycle(warmup); };
}

}  // namespace

const std::vector<Kind<MakeSchedule>>& schedule_kinds() {
  static const std::vector<Kind<MakeSchedule>> kinds = {
      {"constant", "the learning rate stays",
       [](MapReader&, Value&) -> MakeSchedule { return nn::constant; }},
      {"step", "every, gamma: times gamma after every so many epochs", read_step},
      {"cosine", "down to 0 along half a cosine",
       [](MapReader&, Value&) -> MakeSchedule { return nn::cosine; }},
      {"one_cycle", "warmup: up for that part of the training, then down to 0", read_one_cycle},
  };
  return kinds;
}

}  // namespace espalier::experiment
