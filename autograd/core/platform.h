#pragma once

#include <string>
#include <string_view>

/// What the program asks of the operating system and the processor, in one place. Linux on x86-64
/// and aarch64.
namespace espalier {

/// Cores this process may run on (its affinity mask, not the machine's total).
int available_cores();

/// Whether `descriptor` (1: standard output, 2: standard error) is a terminal.
bool is_terminal(int descriptor);

/// Columns of the terminal behind standard output; 80 when there is none.
int terminal_width();

/// Sets an environment variable and runs this program anew from its beginning, for libraries that
/// read the environment only when they are loaded. Comes back only if that cannot be done.
void restart_with_environment(const char* name, const char* value, char** arguments);

/// Writes a file so that a reader sees the old content or the whole new one: a temporary file
/// beside it, flushed to disk, then renamed over it.
/// \throws Error naming the path and the system's reason; the old file is left as it was
void write_file_atomically(const std::string& path, std::string_view content);

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
