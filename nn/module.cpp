#include "espalier/nn/module.h"

#include <algorithm>
#include <utility>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/layers/fusion.h"

namespace espalier::nn {
namespace {

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

void collect(ModuleRecord& record, const std::string& path, std::vector<NamedParameter>& into) {
  for (const auto& parameter : record.parameters)
    into.push_back({path, record.type, parameter.get(), &record});
  for (const auto& child : record.children)
    collect(*child->record(), joined(path, child->name()), into);
}

void put(const ModuleRecord& record, const char* where, std::shared_ptr<ActivationTransform>& place,
         std::shared_ptr<ActivationTransform> transform) {
  if (place && transform) {
    throw Error(record.type, std::string("the ") + where + " goes through " +
                                 std::string(place->name()) + " already, so " +
                                 std::string(transform->name()) + " cannot take it too");
  }
  place = std::move(transform);
}

template <class AnyModule, class Visit>
void visit_below(AnyModule& module, const std::string& path, const Visit& visit) {
  visit(path, module);
  for (const auto& child : module.children())
    visit_below<AnyModule>(*child, joined(path, child->name()), visit);
}

}  // namespace

Module::Module(std::string type) : record_(std::make_shared<ModuleRecord>()) {
  record_->type = std::move(type);
  record_->draws.seed = Engine::current().seed();
}

Module::~Module() = default;

Tensor Module::operator()(const Tensor& x) {
  Fusion nothing;
  return call(x, nothing);
}

Tensor Module::call(const Tensor& x, Fusion& fusion) {
  ModuleRecord& record = *record_;
  FlushDenormals flush;
  LayerScope scope(record.name);
  try {
    if (!x.defined()) throw Error(record.type, "the input is an undefined tensor");
    if (record.training) {
      for (TrainingListener* listener : record.listeners) listener->before_training_forward();
    }
    const Tensor input =
        record.input_transform ? record.input_transform->apply(x, record.training) : x;
    const bool observed = record.output_transform || Recorder::tracing();
    const Tensor y = fusion.empty() || observed ? forward(input) : forward_fused(input, fusion);
    return record.output_transform ? record.output_transform->apply(y, record.training) : y;
  } catch (const Error& error) {
    throw error.at(LayerScope::current());
  }
}

Tensor Module::finish(const Tensor& y) {
  if (!record_->output_transform) return y;
  LayerScope scope(record_->name);
  try {
    return record_->output_transform->apply(y, record_->training);
  } catch (const Error& error) {
    throw error.at(LayerScope::current());
  }
}

void Module::train(bool on) {
  record_->training = on;
  for (const auto& child : record_->children) child->train(on);
}

std::vector<NamedParameter> Module::parameters() const {
  std::vector<NamedParameter> all;
  collect(*record_, "", all);
  return all;
}

void Module::for_each_module(const std::function<void(const std::string&, Module&)>& visit) {
  visit_below(*this, "", visit);
}

void Module::for_each_module(
    const std::function<void(const std::string&, const Module&)>& visit) const {
  visit_below(*this, "", visit);
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  for (const NamedParameter& named : parameters()) count += named.parameter->size();
  return count;
}

void Module::set_input_transform(std::shared_ptr<ActivationTransform> transform) {
  put(*record_, "input", record_->input_transform, std::move(transform));
}

void Module::set_output_transform(std::shared_ptr<ActivationTransform> transform) {
  put(*record_, "result", record_->output_transform, std::move(transform));
}

Parameter& Module::add_parameter(std::string name, Role role, const Shape& shape,
                                 StartValues start) {
  record_->parameters.push_back(
      std::make_unique<Parameter>(std::move(name), role, shape, std::move(start)));
  return *record_->parameters.back();
}

NamedBuffer& Module::add_buffer(std::string name, Tensor value) {
  record_->buffers.push_back(
      std::make_unique<NamedBuffer>(NamedBuffer{std::move(name), std::move(value)}));
  return *record_->buffers.back();
}

Module& Module::add_child(std::string name, std::unique_ptr<Module> child) {
  for (const auto& present : record_->children) {
    if (present->name() == name)
      throw Error(record_->type, "there are two layers named '" + name + "'");
  }
  child->record_->name = std::move(name);
  record_->children.push_back(std::move(child));
  return *record_->children.back();
}

Tensor Module::effective(const Parameter& parameter) const {
  return parameter.effective({});
}

}  // namespace espalier::nn
