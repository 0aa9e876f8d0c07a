#include "espalier/nn/io/model_state.h"

#include "espalier/autograd/core/error.h"

namespace espalier::nn {

void visit_model_state(Module& model, StateVisitor& state) {
  model.for_each_module([&](const std::string& path, Module& module) {
    const StateVisitor::Scope of_module(state, path);
    for (const auto& parameter : module.record()->parameters) {
      const StateVisitor::Scope of_parameter(state, parameter->name());
      try {
        parameter->visit_state(state);
      } catch (const Error& error) {
        throw error.at(path);
      }
    }
    for (const auto& buffer : module.record()->buffers) {
      const Shape shape = buffer->value.shape();
      state(buffer->name, buffer->value);
      if (buffer->value.defined() && buffer->value.shape() == shape) continue;
      throw Error("state", "what was saved for '" + buffer->name + "' does not have the shape " +
                               shape.to_string())
          .at(path);
    }
    module.visit_state(state);
  });
}

}  // namespace espalier::nn
