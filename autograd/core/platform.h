#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What the program asks of the operating system and the processor, in one place. Linux on x86-64
/// and aarch64.
namespace espalier {

/// Cores this process may run on (its affinity mask, not the machine's total).
int available_cores();

/// Bytes of memory this process has had in use at most.
int64_t peak_memory();

/// Seconds of processor time since the machine started, over all processors.
struct ProcessorTime {
  double all = 0;
  double stolen = 0;  ///< given to other machines by the host of this virtual one
};
/// Zeros where the system does not tell.
ProcessorTime processor_time();

/// Whether `descriptor` (1: standard output, 2: standard error) is a terminal.
bool is_terminal(int descriptor);

/// Columns of the terminal behind standard output; 80 when there is none.
int terminal_width();

/// Sets an environment variable and runs this program anew from its beginning, for libraries that
/// read the environment only when they are loaded. Comes back only if that cannot be done.
void restart_with_environment(const char* name, const char* value, char** arguments);

/// Writes a file so that a reader sees the old content or the whole new one, whatever happens
/// meanwhile: a temporary file `<path>.partial-…` beside it, flushed to disk, then renamed over it,
/// then the folder flushed. \throws Error naming the path and the system's reason; the old file is
/// left as it was
void write_file_atomically(const std::string& path, std::string_view content);

/// What `write_file_atomically` puts between a file's name and the rest of its temporary file's.
inline constexpr const char* partial_mark = ".partial-";

/// A file that grows at its end and that belongs to one process at a time: the system takes the
/// lock away when the process ends, in whatever way.
class ExclusiveFile {
 public:
  /// Opens the file; if it is not there, makes it. Nothing if it is open so already, here or in
  /// another process. \throws Error naming the path and the system's reason
  static std::optional<ExclusiveFile> open(const std::string& path);
  ExclusiveFile(ExclusiveFile&& other) noexcept;
  ExclusiveFile& operator=(ExclusiveFile&&) = delete;
  ~ExclusiveFile();

  /// Adds to the end and flushes to disk.
  /// \throws Error naming the path and the system's reason; the file is then as it was
  void append(std::string_view text);
  /// Keeps the first `bytes`. \throws Error
  void truncate(int64_t bytes);

 private:
  ExclusiveFile(std::string path, int descriptor) : path_(std::move(path)), file_(descriptor) {}
  std::string path_;
  int file_;  // -1 in one that was moved from
};

/// All bytes of a file. \throws Error naming the path and the system's reason
std::string read_file(const std::string& path);

/// A shared library that was loaded into this program, or why it was not.
struct SharedLibrary {
  void* handle = nullptr;  ///< null if it could not be loaded
  std::string error;       ///< the system's reason then, one line
};

/// Loads a shared library, which stays for the life of the process. `path` holds a slash, or the
/// system would search its own folders.
SharedLibrary open_shared_library(const std::string& path);

/// Where the library has a function or variable of that name; null if it has none.
void* find_symbol(const SharedLibrary& library, const char* name);

/// Makes this thread treat denormal floats as zero; returns the previous setting.
unsigned flush_denormals_here();
/// Puts back a setting that `flush_denormals_here` returned.
void restore_denormals_here(unsigned setting);

/// Instruction sets that kernels are written for, each including the ones before it.
enum class InstructionSet {
  baseline,  ///< what every x86-64 processor has (SSE2), or plain C++ elsewhere
  avx2,      ///< AVX2 and FMA
  avx512,    ///< AVX-512 F, BW, DQ and VL
};

/// The best of them that this processor and operating system support.
InstructionSet detected_instruction_set();

std::string_view to_string(InstructionSet isa);

}  // namespace espalier
