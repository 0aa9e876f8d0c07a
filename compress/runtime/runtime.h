#pragma once

#include <cstddef>
#include <cstdint>

#include "espalier/compress/runtime/status.h"

/// Runs networks that Espalier has exported. C++17 and the standard library alone; no exceptions,
/// no global state.
///
///     espalier::runtime::Model model;
///     auto status = espalier::runtime::load(data, size, {}, model);
///     if (!status.ok()) return complain(status.message());
///     std::vector<char> arena(model.arena_bytes(1));
///     status = model.run(pixels, 1, scores, arena.data(), arena.size());
namespace espalier::runtime {

struct Kernels;

/// Which kernels run. All give the same codes; float32 results differ in the last bits.
enum class Instructions {
  best,      ///< the widest that the processor has
  portable,  ///< any machine
  avx2,      ///< with fused multiply-add
  avx512,    ///< with VNNI and VBMI
};

struct Options {
  /// The most memory that the loaded network may take, and loading it beside that.
  size_t max_bytes = size_t{256} << 20;
  /// The most memory that `run` may ask for one sample on one thread, see arena_bytes.
  size_t max_arena_bytes = size_t{256} << 20;
  /// What the processor does not have is an error.
  Instructions instructions = Instructions::best;
  /// Whether layers with few kept weights visit those alone. Off: to compare.
  bool sparse = true;
};

/// Threads of the program's own, which `run` may use.
class ThreadPool {
 public:
  virtual ~ThreadPool() = default;
  /// How many threads work at the same time.
  virtual int threads() const = 0;
  /// Calls task(context, i) for each i from 0 to count − 1, at the same time or not, and returns
  /// when all have returned.
  virtual void run(int count, void (*task)(void* context, int i), void* context) = 0;
};

/// A network that is ready to run. Moved, not copied. All functions but assignment may be called
/// from several threads at once; those that ask or run need a loaded network.
class Model {
 public:
  Model() = default;
  Model(Model&& other) noexcept;
  Model& operator=(Model&& other) noexcept;
  ~Model();

  bool loaded() const { return loaded_ != nullptr; }

  /// Height, width and channels of a sample, `H×W×C`; a vector is one pixel.
  int input_height() const;
  int input_width() const;
  int input_channels() const;
  int64_t input_size() const;
  /// Numbers in a result: classes, for a classifier.
  int64_t output_size() const;
  /// Whether a result has codes, with value = scale·(code − zero point).
  bool output_has_codes() const;
  float output_scale() const;
  int output_zero_point() const;
  /// What the class with this index is called: UTF-8 that ends with a 0 and lives as long as the
  /// network. Null where the file does not say, or there is no such class.
  const char* class_name(int64_t index) const;

  /// Weights in all layers, and how many of them are not pruned.
  int64_t weights() const;
  int64_t kept_weights() const;
  /// Layers that visit kept weights alone.
  int sparse_layers() const;
  /// Memory that the network takes.
  size_t bytes() const;
  /// The name of the instruction set whose kernels run.
  const char* instructions() const;

  /// How much memory `run` needs for so many samples, with a pool of so many threads.
  size_t arena_bytes(int batch, int threads = 1) const;

  /// Results `batch × output_size` of samples `batch × H×W×C`: bytes, or float32 in the place of
  /// byte/255. Floats as result: what the network says, if need be computed from codes. Codes: only
  /// of a network whose result has them. `arena` belongs to the call while it runs; its contents do
  /// not matter. Nothing is allocated. \return wrong_call for an arena that is too small, and so on
  Status run(const uint8_t* pixels, int batch, float* scores, void* arena, size_t arena_size,
             ThreadPool* pool = nullptr) const;
  Status run(const uint8_t* pixels, int batch, int8_t* codes, void* arena, size_t arena_size,
             ThreadPool* pool = nullptr) const;
  Status run(const float* values, int batch, float* scores, void* arena, size_t arena_size,
             ThreadPool* pool = nullptr) const;
  Status run(const float* values, int batch, int8_t* codes, void* arena, size_t arena_size,
             ThreadPool* pool = nullptr) const;

  /// Whether the file has a self-test: an input made from a seed, and what was answered to it when
  /// the network was exported.
  bool has_self_test() const;
  /// Runs it, with an arena of `self_test_bytes`. \return invalid if the answer is another, or
  /// there is no self-test
  Status self_test(void* arena, size_t arena_size) const;
  size_t self_test_bytes() const;

 private:
  friend Status load_with(const Kernels& kernels, const void* data, size_t size,
                          const Options& options, Model& model);
  struct Loaded;
  Loaded* loaded_ = nullptr;
};

/// Loads a network from the bytes of a `.esp` file, which are not needed afterwards. Everything is
/// checked: whatever the bytes are, the answer is a network or a status. `model` changes only if
/// all is well.
Status load(const void* data, size_t size, const Options& options, Model& model);

}  // namespace espalier::runtime
