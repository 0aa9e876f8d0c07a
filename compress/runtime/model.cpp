#include <cmath>
#include <new>

#include "espalier/compress/runtime/format/class_names.h"
#include "espalier/compress/runtime/load_with.h"
#include "espalier/compress/runtime/plan/execute.h"
#include "espalier/compress/runtime/plan/input.h"
#include "espalier/compress/runtime/runtime.h"

namespace espalier::runtime {

struct Model::Loaded {
  explicit Loaded(size_t max_bytes) : budget(max_bytes), plan(budget) {}

  Budget budget;  // before what takes from it
  Graph graph;
  Plan plan;
  size_t bytes = 0;
  bool has_self_test = false;
  uint32_t seed = 0;
  Array<uint8_t> expected;  // of the self-test: codes, or float32 as they are stored
  ClassNames class_names;

  const Value& input() const { return graph.values[0]; }
  const Value& output() const { return graph.values[graph.values.size() - 1]; }
};

namespace {

/// Vectors may read a little beyond the last element.
constexpr size_t slack = 1024;

size_t rounded(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

int32_t samples_at_once(const Plan& plan, int batch, int threads) {
  const int64_t share = (int64_t{batch} + threads - 1) / threads;
  return share < plan.chunk ? static_cast<int32_t>(share) : plan.chunk;
}

size_t buffer_bytes(const Plan& plan, int32_t samples) {
  return rounded(static_cast<size_t>(plan.sample_bytes) * static_cast<size_t>(samples) + slack);
}
size_t scratch_bytes(const Plan& plan) {
  return rounded(static_cast<size_t>(plan.scratch_bytes) + slack);
}

/// How a batch is shared: chunks one after the other on each of some threads, or all threads at
/// each step of the only chunk.
struct Division {
  int32_t samples;  ///< of a chunk
  int chunks, tasks;
  int scratches;  ///< of a task

  Division(const Plan& plan, int batch, int threads) {
    samples = samples_at_once(plan, batch, threads);
    chunks = static_cast<int>((int64_t{batch} + samples - 1) / samples);
    tasks = threads < chunks ? threads : chunks;
    scratches = tasks == 1 ? threads : 1;
  }
  size_t bytes_of_task(const Plan& plan) const {
    return buffer_bytes(plan, samples) + scratch_bytes(plan) * static_cast<size_t>(scratches);
  }
};

const Kernels* kernels_for(Instructions wanted) {
  const Kernels* avx2 = avx2_kernels();
  const Kernels* avx512 = avx512_kernels();
  switch (wanted) {
    case Instructions::best:
      return avx512 ? avx512 : avx2 ? avx2 : &portable_kernels();
    case Instructions::portable:
      return &portable_kernels();
    case Instructions::avx2:
      return avx2;
    case Instructions::avx512:
      return avx512;
  }
  return nullptr;
}

/// Reading a weight takes time, and a pruned layer may have very many of them in next to no bytes:
/// their number is limited by the file's size. An honest file has a few for each bit.
Status check_weight_count(const Graph& graph, size_t file_bytes) {
  double weights = 0;
  for (const Operation& operation : graph.operations)
    weights += static_cast<double>(operation.weight.size());
  const double by_size = 4096 * static_cast<double>(file_bytes), always = 1 << 24;
  const double most = by_size > always ? by_size : always;
  if (weights <= most) return {};
  return {StatusCode::too_large,
          "%.0f weights, more than the %.0f that a file of %zu bytes may have", weights, most,
          file_bytes};
}

/// A call of `run`: pixels or values in, scores or codes out.
struct Call {
  const Graph* graph;
  const Plan* plan;
  const uint8_t* pixels;
  const float* values;
  float* scores;
  int8_t* codes;
  int batch;
  char* arena = nullptr;
  const Division* division = nullptr;
  ThreadPool* pool = nullptr;  // for the steps

  /// One sample as the first steps want it.
  template <typename Element>
  void put_sample(int64_t sample, Element* to) const {
    const View& view = plan->buffers[plan->input].view;
    const Value& input = graph->values[0];
    const int64_t row = int64_t{view.width} * view.channels;
    for (int32_t y = 0; y < view.height; ++y, to += view.row) {
      const int64_t at = sample * input.size() + y * row;
      if (pixels) {
        const auto* table = static_cast<const Element*>(plan->pixel_table);
        put_pixels(pixels + at, row, table, graph->mean.empty() ? 1 : view.channels, to);
      } else {
        put_values(input, values + at, row, to);
      }
    }
  }
  /// Row after row of neighbouring pixels, with a table for each of so many channels.
  template <typename Element>
  static void put_pixels(const uint8_t* from, int64_t count, const Element* table, int32_t tables,
                         Element* to) {
    if (tables == 1) {
      for (int64_t i = 0; i < count; ++i) to[i] = table[from[i]];
      return;
    }
    for (int64_t i = 0; i < count; i += tables) {
      for (int32_t c = 0; c < tables; ++c) to[i + c] = table[c * 256 + from[i + c]];
    }
  }
  template <typename Element>
  void put_values(const Value& input, const float* from, int64_t count, Element* to) const {
    const auto channels = static_cast<size_t>(input.channels());
    for (int64_t i = 0; i < count; ++i) {
      const float value = graph->mean.empty() ? from[i]
                                              : normalised(*graph, double{from[i]},
                                                           static_cast<size_t>(i) % channels);
      to[i] = static_cast<Element>(input.codes ? code_of(input.grid, value) + 128 : 0);
      if constexpr (sizeof(Element) == 4) to[i] = value;
    }
  }

  void put_input(int64_t first, const Arena& arena_of_thread) const {
    const Buffer& buffer = plan->buffers[plan->input];
    fill_border(buffer, arena_of_thread);
    for (int32_t n = 0; n < arena_of_thread.samples; ++n) {
      char* to = address(buffer, arena_of_thread) + n * buffer.bytes;
      if (buffer.element_bytes == 4) {
        put_sample(first + n, reinterpret_cast<float*>(to));
      } else if (buffer.element_bytes == 2) {
        put_sample(first + n, reinterpret_cast<int16_t*>(to));
      } else {
        put_sample(first + n, reinterpret_cast<uint8_t*>(to));
      }
    }
  }

  void take_output(int64_t first, const Arena& arena_of_thread) const {
    const Buffer& buffer = plan->buffers[plan->output];
    const View& view = buffer.view;
    const Value& output = graph->values[graph->values.size() - 1];
    for (int32_t n = 0; n < arena_of_thread.samples; ++n) {
      const char* from = address(buffer, arena_of_thread) + n * buffer.bytes;
      int64_t i = (first + n) * output.size();
      for (int32_t y = 0; y < view.height; ++y) {
        for (int32_t x = 0; x < view.width; ++x) {
          for (int32_t c = 0; c < view.channels; ++c, ++i)
            take(from + view.offset(y, x, c) * buffer.element_bytes, buffer, output.grid, i);
        }
      }
    }
  }
  void take(const char* from, const Buffer& buffer, const Grid& grid, int64_t i) const {
    if (!buffer.codes) {
      std::memcpy(scores + i, from, sizeof(float));
      return;
    }
    int16_t wide = 0;
    if (buffer.element_bytes == 1) {
      wide = static_cast<uint8_t>(*from);
    } else {
      std::memcpy(&wide, from, sizeof wide);
    }
    const int code = wide - 128;
    if (codes) {
      codes[i] = static_cast<int8_t>(code);
    } else {
      scores[i] = grid.scale * static_cast<float>(code - grid.zero_point);
    }
  }

  /// Every `tasks`-th chunk from the given one on.
  void run_task(int task) const {
    const Division& d = *division;
    char* mine = arena + d.bytes_of_task(*plan) * static_cast<size_t>(task);
    for (int chunk = task; chunk < d.chunks; chunk += d.tasks) {
      const int64_t first = int64_t{chunk} * d.samples, left = batch - first;
      const Arena here{mine,
                       mine + buffer_bytes(*plan, d.samples),
                       static_cast<int64_t>(scratch_bytes(*plan)),
                       d.scratches,
                       left < d.samples ? static_cast<int32_t>(left) : d.samples,
                       pool};
      put_input(first, here);
      execute(*plan, here);
      take_output(first, here);
    }
  }
};

Status run_call(const Model& model, Call call, void* arena, size_t arena_size, ThreadPool* pool) {
  if (call.batch < 1) return {StatusCode::wrong_call, "a batch of %d samples", call.batch};
  if ((!call.pixels && !call.values) || (!call.scores && !call.codes) || !arena)
    return {StatusCode::wrong_call, "input, result or arena is null"};
  if (call.codes && !model.output_has_codes())
    return {StatusCode::wrong_call, "codes are asked for, but the network's result is float32"};
  int threads = pool ? pool->threads() : 1;
  if (threads < 1) threads = 1;
  const size_t needed = model.arena_bytes(call.batch, threads);
  if (arena_size < needed)
    return {StatusCode::wrong_call, "the arena has %zu bytes, but %zu are needed", arena_size,
            needed};
  const auto unaligned = reinterpret_cast<uintptr_t>(arena) % 64;
  call.arena = static_cast<char*>(arena) + (unaligned ? 64 - unaligned : 0);
  const Division division(*call.plan, call.batch, threads);
  call.division = &division;
  if (division.tasks == 1) {
    call.pool = pool;
    call.run_task(0);
  } else {
    pool->run(
        division.tasks,
        [](void* context, int i) { static_cast<const Call*>(context)->run_task(i); }, &call);
  }
  return {};
}

}  // namespace

Model::Model(Model&& other) noexcept : loaded_(other.loaded_) {
  other.loaded_ = nullptr;
}
Model& Model::operator=(Model&& other) noexcept {
  Loaded* mine = loaded_;
  loaded_ = other.loaded_;
  other.loaded_ = mine;
  return *this;
}
Model::~Model() {
  delete loaded_;
}

int Model::input_height() const {
  return static_cast<int>(loaded_->input().height());
}
int Model::input_width() const {
  return static_cast<int>(loaded_->input().width());
}
int Model::input_channels() const {
  return static_cast<int>(loaded_->input().channels());
}
int64_t Model::input_size() const {
  return loaded_->input().size();
}
int64_t Model::output_size() const {
  return loaded_->output().size();
}
bool Model::output_has_codes() const {
  return loaded_->output().codes;
}
float Model::output_scale() const {
  return loaded_->output().grid.scale;
}
int Model::output_zero_point() const {
  return loaded_->output().grid.zero_point;
}
const char* Model::class_name(int64_t index) const {
  return loaded_->class_names.name(index);
}
int64_t Model::weights() const {
  return loaded_->plan.weights;
}
int64_t Model::kept_weights() const {
  return loaded_->plan.kept;
}
int Model::sparse_layers() const {
  return loaded_->plan.sparse_steps;
}
size_t Model::bytes() const {
  return loaded_->bytes;
}
const char* Model::instructions() const {
  return loaded_->plan.kernels->name;
}
bool Model::has_self_test() const {
  return loaded_->has_self_test;
}

size_t Model::arena_bytes(int batch, int threads) const {
  if (batch < 1) batch = 1;
  if (threads < 1) threads = 1;
  const Division division(loaded_->plan, batch, threads);
  return 64 + division.bytes_of_task(loaded_->plan) * static_cast<size_t>(division.tasks);
}

Status Model::run(const uint8_t* pixels, int batch, float* scores, void* arena, size_t arena_size,
                  ThreadPool* pool) const {
  return run_call(*this, {&loaded_->graph, &loaded_->plan, pixels, nullptr, scores, nullptr, batch},
                  arena, arena_size, pool);
}
Status Model::run(const uint8_t* pixels, int batch, int8_t* codes, void* arena, size_t arena_size,
                  ThreadPool* pool) const {
  return run_call(*this, {&loaded_->graph, &loaded_->plan, pixels, nullptr, nullptr, codes, batch},
                  arena, arena_size, pool);
}
Status Model::run(const float* values, int batch, float* scores, void* arena, size_t arena_size,
                  ThreadPool* pool) const {
  return run_call(*this, {&loaded_->graph, &loaded_->plan, nullptr, values, scores, nullptr, batch},
                  arena, arena_size, pool);
}
Status Model::run(const float* values, int batch, int8_t* codes, void* arena, size_t arena_size,
                  ThreadPool* pool) const {
  return run_call(*this, {&loaded_->graph, &loaded_->plan, nullptr, values, nullptr, codes, batch},
                  arena, arena_size, pool);
}

Status load(const void* data, size_t size, const Options& options, Model& model) {
  const Kernels* kernels = kernels_for(options.instructions);
  if (!kernels)
    return {StatusCode::wrong_call,
            "the processor, or this build, lacks the instructions asked for"};
  return load_with(*kernels, data, size, options, model);
}

Status load_with(const Kernels& wanted, const void* data, size_t size, const Options& options,
                 Model& model) {
  const Kernels* kernels = &wanted;
  FileParts parts;
  Status status = open_file(static_cast<const uint8_t*>(data), size, parts);
  // Twice at most: codes of nine bits need kernels with wider weights.
  for (bool wide = true; status.ok() && wide;) {
    wide = false;
    if (options.max_bytes < sizeof(Model::Loaded))
      return {StatusCode::too_large, "max_bytes is %zu, less than an empty network needs",
              options.max_bytes};
    Model next;
    next.loaded_ = new (std::nothrow) Model::Loaded(options.max_bytes - sizeof(Model::Loaded));
    if (!next.loaded_) return {StatusCode::out_of_memory, "the system has no memory"};
    Model::Loaded& loaded = *next.loaded_;
    loaded.plan.kernels = kernels;
    status = read_graph(parts.header, loaded.budget, loaded.graph);
    if (status.ok()) status = check_weight_count(loaded.graph, size);
    if (!status.ok()) break;
    {
      // The decoder is large for a stack.
      WeightReader* reader = nullptr;
      const bool room = loaded.budget.take(sizeof(WeightReader));
      if (room) reader = new (std::nothrow) WeightReader(parts.stream, loaded.graph, loaded.budget);
      if (!reader)
        return {room ? StatusCode::out_of_memory : StatusCode::too_large,
                "there is no memory for the decoder of weights"};
      status = reader->begin();
      if (status.ok()) {
        status =
            make_plan(loaded.graph, *reader, {options.sparse}, loaded.budget, loaded.plan, wide);
      }
      if (status.ok() && !wide) status = reader->end();
      delete reader;
      loaded.budget.give_back(sizeof(WeightReader));
    }
    if (!status.ok()) break;
    if (!wide && next.arena_bytes(1) > options.max_arena_bytes) {
      return {StatusCode::too_large,
              "a sample needs an arena of %zu bytes, more than max_arena_bytes",
              next.arena_bytes(1)};
    }
    if (wide) {
      kernels = avx2_kernels() ? avx2_kernels() : &portable_kernels();
      continue;
    }
    if (parts.self_test.left() > 0) {
      const auto outputs = static_cast<size_t>(loaded.output().size());
      const size_t bytes = outputs * (loaded.output().codes ? 1 : 4);
      ByteReader in = parts.self_test;
      loaded.seed = in.fixed32();
      if (in.failed() || in.left() != bytes)
        return {StatusCode::invalid, "the self-test has another size than the network's result"};
      if (!loaded.expected.allocate(loaded.budget, bytes))
        return {StatusCode::too_large, "there is no memory for the self-test"};
      std::memcpy(loaded.expected.data(), in.position(), bytes);
      loaded.has_self_test = true;
    }
    if (parts.version > 1) {
      status = loaded.class_names.read(parts.class_names, loaded.output().size(), loaded.budget);
      if (!status.ok()) break;
    }
    // Names and tables lie in the caller's memory.
    for (Operation& operation : loaded.graph.operations) {
      operation.name = operation.table = nullptr;
      operation.name_size = 0;
    }
    loaded.bytes = options.max_bytes - loaded.budget.left();
    model = static_cast<Model&&>(next);
  }
  return status;
}

Status Model::self_test(void* arena, size_t arena_size) const {
  if (!has_self_test()) return {StatusCode::invalid, "the file has no self-test"};
  // Input and answer lie in front of the arena proper.
  const auto in = rounded(static_cast<size_t>(input_size()));
  const auto out = rounded(static_cast<size_t>(output_size()) * 4);
  const size_t needed = self_test_bytes();
  if (!arena || arena_size < needed)
    return {StatusCode::wrong_call, "the arena has %zu bytes, but %zu are needed", arena_size,
            needed};
  const auto unaligned = reinterpret_cast<uintptr_t>(arena) % 64;
  char* memory = static_cast<char*>(arena) + (unaligned ? 64 - unaligned : 0);
  auto* pixels = reinterpret_cast<uint8_t*>(memory);
  uint32_t state = loaded_->seed;
  for (int64_t i = 0; i < input_size(); ++i) {
    state = state * 1664525u + 1013904223u;
    pixels[i] = static_cast<uint8_t>(state >> 24);
  }
  char* answer = memory + in;
  const auto run_with = [&](auto* result) {
    return run(pixels, 1, result, answer + out, arena_bytes(1));
  };
  if (output_has_codes()) {
    auto* codes = reinterpret_cast<int8_t*>(answer);
    const Status status = run_with(codes);
    if (!status.ok()) return status;
    if (std::memcmp(codes, loaded_->expected.data(), loaded_->expected.size()) != 0)
      return {StatusCode::invalid, "the self-test gives other codes than when it was exported"};
    return {};
  }
  auto* scores = reinterpret_cast<float*>(answer);
  const Status status = run_with(scores);
  if (!status.ok()) return status;
  float largest = 0, difference = 0;
  for (int64_t i = 0; i < output_size(); ++i) {
    float expected;
    std::memcpy(&expected, loaded_->expected.data() + i * 4, sizeof expected);
    largest = std::fmax(largest, std::fabs(expected));
    const float distance = std::fabs(expected - scores[i]);
    // What is no number is as far away as can be.
    difference = std::fmax(difference, std::isnan(distance) ? HUGE_VALF : distance);
  }
  if (!(difference <= 1e-4f * largest))
    return {StatusCode::invalid, "the self-test differs by %g, more than %g", double{difference},
            double{1e-4f * largest}};
  return {};
}

size_t Model::self_test_bytes() const {
  return 64 + rounded(static_cast<size_t>(input_size())) +
         rounded(static_cast<size_t>(output_size()) * 4) + arena_bytes(1);
}

}  // namespace espalier::runtime
