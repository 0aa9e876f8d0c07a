#include "espalier/autograd/core/platform.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "espalier/autograd/core/error.h"

namespace espalier {

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  const int cores = CPU_COUNT(&set);
  return cores > 0 ? cores : 1;
}

bool is_terminal(int descriptor) {
  return isatty(descriptor) == 1;
}

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void restart_with_environment(const char* name, const char* value, char** arguments) {
  if (setenv(name, value, 1) == 0) execv("/proc/self/exe", arguments);
}

void write_file_atomically(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".partial";
  auto fail = [&](const char* doing) {
    const std::string reason = std::strerror(errno);
    unlink(temporary.c_str());
    throw Error("save", std::string("cannot ") + doing + " '" + path + "': " + reason);
  };
  const int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail("create");
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int reason = errno;
      close(file);
      errno = reason;
      fail("write");
    }
    content.remove_prefix(static_cast<size_t>(written));
  }
  const bool synced = fsync(file) == 0;
  const bool closed = close(file) == 0;
  if (!synced || !closed) fail("write");
  if (rename(temporary.c_str(), path.c_str()) != 0) fail("replace");
}

SharedLibrary open_shared_library(const std::string& path) {
  // All symbols now: one that is missing must not end the program in mid-training.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle) return {handle, {}};
  const char* reason = dlerror();
  return {nullptr, reason ? reason : "no reason given"};
}

void* find_symbol(const SharedLibrary& library, const char* name) {
  return dlsym(library.handle, name);
}

#if defined(__x86_64__)

namespace {
constexpr unsigned flush_to_zero = 0x8000;       // results
constexpr unsigned denormals_are_zero = 0x0040;  // operands
}  // namespace

unsigned flush_denormals_here() {
  const unsigned previous = _mm_getcsr();
  _mm_setcsr(previous | flush_to_zero | denormals_are_zero);
  return previous;
}

void restore_denormals_here(unsigned setting) {
  // Only the two bits: exception flags raised in between belong to the program.
  const unsigned bits = flush_to_zero | denormals_are_zero;
  _mm_setcsr((_mm_getcsr() & ~bits) | (setting & bits));
}

InstructionSet detected_instruction_set() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return InstructionSet::avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::avx2;
  return InstructionSet::baseline;
}

#elif defined(__aarch64__)

namespace {
constexpr unsigned long flush_to_zero = 1ul << 24;
unsigned long read_fpcr() {
  unsigned long value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void write_fpcr(unsigned long value) {
  asm volatile("msr fpcr, %0" : : "r"(value));
}
}  // namespace

unsigned flush_denormals_here() {
  const unsigned long previous = read_fpcr();
  write_fpcr(previous | flush_to_zero);
  return static_cast<unsigned>(previous);
}

void restore_denormals_here(unsigned setting) {
  write_fpcr((read_fpcr() & ~flush_to_zero) | (setting & flush_to_zero));
}

InstructionSet detected_instruction_set() {
  return InstructionSet::baseline;
}

#else
#error "Espalier supports Linux on x86-64 and aarch64"
#endif

std::string_view to_string(InstructionSet isa) {
  switch (isa) {
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::baseline:
      break;
  }
  return "baseline";
}

}  // namespace espalier
