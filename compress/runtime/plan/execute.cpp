#include "espalier/compress/runtime/plan/execute.h"

namespace espalier::runtime {
namespace {

/// A step with its buffers.
struct Context {
  const Plan& plan;
  const Step& step;
  const Arena& arena;

  const Buffer& input() const { return plan.buffers[step.input]; }
  const Buffer& second() const { return plan.buffers[step.second]; }
  const Buffer& output() const { return plan.buffers[step.output]; }
  /// The first element of a sample's picture.
  char* at(const Buffer& buffer, int32_t sample) const {
    return address(buffer, arena) + sample * buffer.bytes;
  }
};

/// Multiplications below which a step is not worth handing out: a few microseconds.
constexpr int64_t least_work = 400000;

/// Calls body(context, part, parts) for each part, on the pool's threads if that is worth it.
template <typename Body>
void in_parts(const Context& c, int64_t work, int32_t most, Body&& body) {
  const int32_t threads = c.arena.pool && work >= least_work ? c.arena.pool->threads() : 1;
  const int32_t parts = threads < most ? threads : most;
  if (parts <= 1) return body(0, 1);
  struct Call {
    Body& body;
    int32_t parts;
  } call{body, parts};
  c.arena.pool->run(
      parts,
      [](void* context, int i) {
        auto& mine = *static_cast<Call*>(context);
        mine.body(i, mine.parts);
      },
      &call);
}
int32_t share(int64_t all, int32_t part, int32_t parts) {
  return static_cast<int32_t>(all * part / parts);
}

/// A dense task's own part: rows of the picture, or whole blocks of outputs where there are few
/// rows.
void run_dense_part(const DenseTask& whole, const Context& c, int32_t part, int32_t parts) {
  const Kernels& k = *c.plan.kernels;
  const int64_t element = c.output().element_bytes;
  DenseTask task = whole;
  Epilogue epilogue = *whole.epilogue;
  task.epilogue = &epilogue;
  int64_t moved = 0;  // elements of the result
  if (whole.rows >= 4 * parts) {
    const int32_t first = share(whole.rows, part, parts);
    task.rows = share(whole.rows, part + 1, parts) - first;
    task.x = static_cast<const char*>(whole.x) + first * whole.x_row * c.input().element_bytes;
    moved = first * whole.y_row;
  } else {
    const int32_t width = k.outputs_per_block, blocks = (whole.outputs + width - 1) / width;
    const int32_t first = share(blocks, part, parts) * width;
    const int32_t end = share(blocks, part + 1, parts) * width;
    task.outputs = (end < whole.outputs ? end : whole.outputs) - first;
    if (task.outputs <= 0) return;
    const int64_t of_output =
        int64_t{whole.run_count} * whole.run_groups * (c.step.codes ? k.group * k.weight_bytes : 4);
    task.weights = static_cast<const char*>(whole.weights) + first * of_output;
    moved = first;
    if (c.step.codes) {
      epilogue.code_bias += first;
      epilogue.factors += first;
      epilogue.shifts += first;
      if (epilogue.scales) epilogue.scales += first;
    } else {
      epilogue.bias += first;
    }
  }
  task.y = static_cast<char*>(whole.y) + moved * element;
  if (epilogue.residual)
    epilogue.residual = static_cast<const char*>(epilogue.residual) + moved * element;
  (c.step.codes ? k.dense_codes : k.dense)(task);
}

void run_dense(const Context& c) {
  const Step& s = c.step;
  const Kernels& k = *c.plan.kernels;
  const View& y = c.output().view;
  Epilogue epilogue = s.epilogue;
  DenseTask task{};
  task.runs = s.runs;
  task.run_count = s.run_count;
  task.run_groups = s.run_groups;
  task.outputs = s.outputs;
  task.epilogue = &epilogue;
  task.x_row = s.x_row;
  task.y_row = y.row;
  task.rows = y.height;
  task.columns = y.width;
  task.x_column = s.x_column;
  task.y_column = y.block;
  const int32_t passes = s.samples_are_columns ? 1 : c.arena.samples;
  if (s.samples_are_columns) {
    task.rows = 1;
    task.columns = c.arena.samples;
    task.x_column = c.input().view.sample;
    task.y_column = y.sample;
  }
  for (int32_t n = 0; n < passes; ++n) {
    for (int32_t g = 0; g < s.groups; ++g) {
      const int64_t padded = int64_t{g} * s.padded_outputs, first = int64_t{g} * s.outputs;
      task.x = c.at(c.input(), n) + (s.x_first + g * s.x_group) * c.input().element_bytes;
      task.y = c.at(c.output(), n) + first * c.output().element_bytes;
      task.weights = static_cast<const char*>(s.weights) + g * s.weight_bytes;
      if (s.second >= 0) epilogue.residual = c.at(c.second(), n) + first * c.second().element_bytes;
      if (s.codes) {
        epilogue.code_bias = s.epilogue.code_bias + padded;
        epilogue.factors = s.epilogue.factors + padded;
        epilogue.shifts = s.epilogue.shifts + padded;
        if (s.epilogue.scales) epilogue.scales = s.epilogue.scales + padded;
      } else {
        epilogue.bias = s.epilogue.bias + padded;
      }
      const int64_t work = int64_t{task.rows} * task.columns * s.outputs * s.run_count *
                           s.run_groups * (s.codes ? k.group : 1);
      in_parts(c, work, INT32_MAX,
               [&](int32_t part, int32_t parts) { run_dense_part(task, c, part, parts); });
    }
  }
}

void run_depthwise(const Context& c) {
  const Step& s = c.step;
  const Kernels& k = *c.plan.kernels;
  const View& y = c.output().view;
  Epilogue epilogue = s.epilogue;
  for (int32_t n = 0; n < c.arena.samples; ++n) {
    if (s.second >= 0) epilogue.residual = c.at(c.second(), n);
    const DepthwiseTask task{c.at(c.input(), n) + s.x_first * c.input().element_bytes,
                             s.x_row,
                             s.x_column,
                             s.runs,
                             s.run_count,
                             s.weights,
                             y.height,
                             y.width,
                             s.outputs,
                             c.at(c.output(), n),
                             y.row,
                             y.block,
                             &epilogue};
    (s.codes ? k.depthwise_codes : k.depthwise)(task);
  }
}

/// Where a part begins if all have nearly as many kept weights.
int32_t first_output(const Step& s, int32_t group, int32_t part, int32_t parts) {
  if (part == parts) return s.outputs;
  const int64_t before = int64_t{s.starts[s.outputs]} * part / parts;
  int32_t o = 0;
  while (o < s.outputs && s.starts[o] < before) o += group;
  return o < s.outputs ? o : s.outputs;
}

void run_sparse_conv(const Context& c) {
  const Step& s = c.step;
  const Kernels& k = *c.plan.kernels;
  const View& x = c.input().view;
  const View& y = c.output().view;
  Epilogue epilogue = s.epilogue;
  for (int32_t n = 0; n < c.arena.samples; ++n) {
    if (s.second >= 0) epilogue.residual = c.at(c.second(), n);
    const SparseConvTask whole{c.at(c.input(), n),
                               s.starts,
                               s.offsets,
                               s.weights,
                               static_cast<int32_t>(x.row / x.block),
                               y.height,
                               y.width,
                               s.outputs,
                               c.at(c.output(), n),
                               y.plane,
                               y.row,
                               &epilogue,
                               c.arena.scratch,
                               s.scratch_plane};
    const int32_t group = s.codes ? k.group : 1;
    const int64_t work = int64_t{s.starts[s.outputs]} * group * y.height * y.width;
    // Every part has scratch memory of its own, as many as the arena was made for.
    in_parts(c, work, c.arena.scratches, [&](int32_t part, int32_t parts) {
      // Parts have as many kept weights, in whole groups of outputs.
      const int32_t first = first_output(s, group, part, parts);
      SparseConvTask task = whole;
      Epilogue mine = epilogue;
      task.epilogue = &mine;
      task.outputs = first_output(s, group, part + 1, parts) - first;
      task.starts += first;
      task.scratch = c.arena.scratch + part * c.arena.scratch_bytes;
      const int64_t moved = first / y.block * y.plane * c.output().element_bytes;
      task.y = static_cast<char*>(whole.y) + moved;
      if (mine.residual) mine.residual = static_cast<const char*>(mine.residual) + moved;
      if (s.codes) {
        mine.code_bias += first;
        mine.factors += first;
        mine.shifts += first;
        if (mine.scales) mine.scales += first;
      } else {
        mine.bias += first;
      }
      (s.codes ? k.sparse_conv_codes : k.sparse_conv)(task);
    });
  }
}

void run_sparse_linear(const Context& c) {
  const Step& s = c.step;
  const Kernels& k = *c.plan.kernels;
  for (int32_t n = 0; n < c.arena.samples; ++n) {
    // Places are counted from the first element of the picture, whatever its border.
    const SparseLinearTask task{c.at(c.input(), n), s.starts,  s.windows,           s.picks,
                                s.weights,          s.outputs, c.at(c.output(), n), &s.epilogue};
    (s.codes ? k.sparse_linear_codes : k.sparse_linear)(task);
  }
}

void run_pool(const Context& c) {
  const Step& s = c.step;
  for (int32_t n = 0; n < c.arena.samples; ++n) {
    const PoolTask task{{c.input().view, c.at(c.input(), n)},
                        {c.output().view, c.at(c.output(), n)},
                        s.kernel,
                        s.stride,
                        s.padding,
                        s.whole,
                        s.mean,
                        s.x_zero,
                        s.y_zero,
                        s.factor,
                        s.shift,
                        s.lowest,
                        s.highest};
    (s.codes ? c.plan.kernels->pool_codes : c.plan.kernels->pool)(task);
  }
}

void run_add(const Context& c) {
  const Step& s = c.step;
  for (int32_t n = 0; n < c.arena.samples; ++n) {
    const AddTask task{{c.input().view, c.at(c.input(), n)},
                       {c.second().view, c.at(c.second(), n)},
                       {c.output().view, c.at(c.output(), n)},
                       s.low,
                       s.high,
                       s.x_zero,
                       s.second_zero,
                       s.y_zero,
                       s.factor,
                       s.second_factor,
                       s.shift,
                       s.lowest,
                       s.highest};
    (s.codes ? c.plan.kernels->add_codes : c.plan.kernels->add)(task);
  }
}

template <typename Element>
void fill(const Buffer& b, const Arena& arena, Element value) {
  const View& v = b.view;
  for (int32_t n = 0; n < arena.samples; ++n) {
    auto* sample =
        reinterpret_cast<Element*>(arena.buffers + b.offset * arena.samples + n * b.bytes);
    for (int32_t plane = 0; plane < v.blocks(); ++plane) {
      Element* at = sample + plane * v.plane;
      const int64_t side = int64_t{b.border} * v.block, ends = b.border * v.row;
      for (int64_t i = 0; i < ends; ++i) at[i] = at[v.plane - 1 - i] = value;
      for (int32_t y = 0; y < v.height; ++y) {
        Element* row = at + ends + y * v.row;
        for (int64_t i = 0; i < side; ++i) row[i] = row[v.row - 1 - i] = value;
      }
    }
  }
}

}  // namespace

void fill_border(const Buffer& buffer, const Arena& arena) {
  if (buffer.border == 0) return;
  if (buffer.element_bytes == 4) {
    fill(buffer, arena, 0.0f);
  } else if (buffer.element_bytes == 2) {
    fill(buffer, arena, static_cast<int16_t>(buffer.zero));
  } else {
    fill(buffer, arena, static_cast<uint8_t>(buffer.zero));
  }
}

void execute(const Plan& plan, const Arena& arena) {
  for (int32_t i = 0; i < plan.step_count; ++i) {
    const Step& step = plan.steps[i];
    const Context context{plan, step, arena};
    fill_border(context.output(), arena);
    switch (step.kind) {
      case StepKind::dense:
        run_dense(context);
        break;
      case StepKind::depthwise:
        run_depthwise(context);
        break;
      case StepKind::sparse_conv:
        run_sparse_conv(context);
        break;
      case StepKind::sparse_linear:
        run_sparse_linear(context);
        break;
      case StepKind::pool:
        run_pool(context);
        break;
      case StepKind::add:
        run_add(context);
        break;
      case StepKind::function:
        apply_function(plan, step, arena);
        break;
      case StepKind::convert:
        apply_conversion(plan, step, arena);
        break;
    }
  }
}

}  // namespace espalier::runtime
