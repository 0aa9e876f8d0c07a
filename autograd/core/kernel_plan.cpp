#include "espalier/autograd/core/kernel_plan.h"

#include <utility>

namespace espalier {

void KernelPlan::choose(std::string operation, std::string candidate) {
  problems_ = problems_ || operation.find(' ') != std::string::npos;
  choices_[std::move(operation)] = std::move(candidate);
}

std::string_view KernelPlan::choice(std::string_view operation) const {
  if (choices_.empty()) return {};
  auto found = choices_.find(operation);
  return found == choices_.end() ? std::string_view{} : std::string_view(found->second);
}

std::string_view KernelPlan::choice(std::string_view operation, std::string_view problem) const {
  if (!problems_) return {};
  return choice(std::string(operation) + " " + std::string(problem));
}

}  // namespace espalier
