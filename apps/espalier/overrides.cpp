#include "overrides.h"

#include "espalier/compress/config/yaml.h"

namespace espalier::app {
namespace {

using compress::Value;

/// Sets a key of the options of `Name: {options}` or `Name`. Whatever has another form is left as
/// it is, for the reader to complain about.
void set_option(Value& choice, const std::string& key, const Value& value) {
  if (choice.is_text()) {
    const compress::Position position = choice.position();
    choice = Value::map({{choice.as_text(), Value::map(), position}});
    choice.set_position(position);
  }
  if (!choice.is_map() || choice.as_map().size() != 1) return;
  Value& options = *choice.find(choice.as_map().front().key);
  if (options.is_map() || options.is_null()) options.set(key, value, value.position());
}

/// A path, which is text also where it looks like a number.
Value path_value(const Arguments& arguments, const std::string& option) {
  Value path(arguments.values.at(option));
  path.set_position(option_value(arguments, option).position());
  return path;
}

void override_with(Value& config, const Arguments& arguments) {
  if (!config.is_map() && !config.is_null()) return;
  for (const std::string key : {"epochs", "batch", "seed", "threads"}) {
    if (!arguments.has(key)) continue;
    const Value value = option_value(arguments, key);
    config.set(key, value, value.position());
  }
  if (arguments.has("compress")) config.set("compress", Value(arguments.values.at("compress")));
  if (arguments.has("kernels")) config.set("kernels", Value(arguments.values.at("kernels")));
  if (arguments.has("from")) config.set("start_from", path_value(arguments, "from"));
  if (arguments.has("teacher")) {
    const Value run = path_value(arguments, "teacher");
    Value* teacher = config.find("teacher");
    if (teacher && teacher->is_map()) {
      teacher->set("run", run, run.position());
    } else {
      config.set("teacher", run);
    }
  }
  if (arguments.has("plugin")) {
    Value plugins = Value::list();
    if (const Value* before = config.find("plugins"); before && before->is_list())
      plugins = *before;
    for (const std::string& plugin : arguments.lists.at("plugin")) plugins.append(Value(plugin));
    config.set("plugins", plugins);
  }
  if (Value* optimizer = config.find("optimizer"); optimizer && arguments.has("lr")) {
    set_option(*optimizer, "lr", option_value(arguments, "lr"));
  }
}

}  // namespace

experiment::TrainConfig read_train_config(const std::string& path, const Arguments& arguments) {
  Value file = compress::read_yaml_file(path);
  override_with(file, arguments);
  experiment::TrainConfig config = experiment::TrainConfig::from(file);
  if (arguments.has("data")) {
    if (config.data.name == "synthetic") throw UsageError("--data: synthetic data has no files");
    config.data.dir_here = arguments.values.at("data");
  }
  return config;
}

}  // namespace espalier::app
