#include "espalier/compress/runtime/plan/value_uses.h"

namespace espalier::runtime {
namespace {

void find_users(const Graph& graph, ValueUses& values) {
  for (size_t i = 0; i < graph.operations.size(); ++i) {
    const Operation& o = graph.operations[i];
    for (int k = 0; k < o.input_count; ++k) {
      const auto v = static_cast<size_t>(input_index(graph, o, k));
      ++values.uses[v];
      if (o.kind != OperationKind::linear) values.not_linear[v] = 1;
      values.user[v] = static_cast<int32_t>(i);
    }
  }
}

/// As wide as the widest padding of a convolution that reads the value. Sums are equally wide in
/// all three, so that one address serves all.
void find_borders(const Graph& graph, ValueUses& values) {
  for (const Operation& o : graph.operations) {
    if (o.kind != OperationKind::convolution) continue;
    int32_t& border = values.border[static_cast<size_t>(input_index(graph, o, 0))];
    border = o.padding > border ? o.padding : border;
  }
  bool changed = true;
  for (int pass = 0; changed && pass < 64; ++pass) {
    changed = false;
    for (const Operation& o : graph.operations) {
      if (o.kind != OperationKind::add) continue;
      int32_t* borders[3] = {&values.border[static_cast<size_t>(input_index(graph, o, 0))],
                             &values.border[static_cast<size_t>(input_index(graph, o, 1))],
                             &values.border[static_cast<size_t>(o.output)]};
      int32_t widest = 0;
      for (const int32_t* border : borders) widest = *border > widest ? *border : widest;
      for (int32_t* border : borders) {
        changed = changed || *border != widest;
        *border = widest;
      }
    }
  }
}

}  // namespace

bool ValueUses::find(const Graph& graph, Budget& budget) {
  const size_t count = graph.values.size();
  if (!uses.allocate(budget, count) || !user.allocate(budget, count) ||
      !border.allocate(budget, count) || !not_linear.allocate(budget, count))
    return false;
  find_users(graph, *this);
  find_borders(graph, *this);
  return true;
}

}  // namespace espalier::runtime
