#include "espalier/experiment/teacher_config.h"

#include "espalier/compress/config/map_reader.h"
#include "espalier/experiment/clock.h"
#include "espalier/experiment/file_value.h"

namespace espalier::experiment {

using compress::MapReader;
using compress::Value;

TeacherConfig TeacherConfig::from(const Value& value) {
  Value map = value;
  if (value.is_text()) {  // just the run
    map = Value::map({{"run", value}});
    map.set_position(value.position());
  }
  MapReader reader(map, "teacher");
  TeacherConfig config;
  reader.text("run", {}, "The folder of the run whose network is learnt from.");
  config.run = absolute_path_in(reader.require("run"));
  config.position = reader.require("run").position();
  nn::Distillation::Options& options = config.options;
  options.temperature =
      reader.number("temperature", {.above = 0,
                                    .fallback = options.temperature,
                                    .help = "Softens the answers of both networks."});
  options.weight = reader.number(
      "weight",
      {.min = 0, .max = 1, .fallback = options.weight, .help = "The teacher's share of the loss."});
  options.unit = read_unit(reader);
  const std::string unit = nn::name_of(options.unit);
  const std::string start = "start_" + unit, end = "end_" + unit;
  options.start = reader.integer(
      start, {.min = 0, .fallback = 0, .help = "When the teacher is first asked, from 0."});
  if (reader.find(end, "The first one without the teacher; by default it stays to the end.")) {
    options.end = reader.integer(end, {.min = 1});
    reader.check(*options.end > options.start, {end, start}, "must be after " + start);
  }
  reader.finish();
  return config;
}

Value TeacherConfig::to_value() const {
  const std::string unit = nn::name_of(options.unit);
  Value map = Value::map({{"run", run},
                          {"temperature", options.temperature},
                          {"weight", options.weight},
                          {"unit", unit},
                          {"start_" + unit, options.start}});
  if (options.end) map.set("end_" + unit, *options.end);
  return map;
}

}  // namespace espalier::experiment
