#include "espalier/autograd/core/platform.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

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

int64_t peak_memory() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? int64_t{usage.ru_maxrss} * 1024 : 0;
}

ProcessorTime processor_time() {
  // cpu user nice system idle iowait irq softirq steal …
  std::ifstream stat("/proc/stat");
  std::string name;
  stat >> name;
  const double tick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  ProcessorTime time;
  double ticks = 0;
  for (int i = 0; i < 8 && stat >> ticks; ++i) {
    time.all += ticks * tick;
    if (i == 7) time.stolen = ticks * tick;
  }
  return time;
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

namespace {

[[noreturn]] void fail(const char* doing, const std::string& path, int reason,
                       const char* where = "save") {
  throw Error(where, std::string("cannot ") + doing + " '" + path + "': " + std::strerror(reason));
}

/// 0, or the reason why not all of it is written.
int write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

/// Makes a rename in the file's folder last. Some file systems cannot, and need not.
void flush_folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

/// Whether the path still leads to the open file: it may have been removed while we waited for it.
bool is_at(const std::string& path, int file) {
  struct stat opened {
  }, found{};
  return fstat(file, &opened) == 0 && stat(path.c_str(), &found) == 0 &&
         opened.st_ino == found.st_ino && opened.st_dev == found.st_dev;
}

/// Where a file of this path goes: a link stays one.
std::string behind_links(const std::string& path) {
  std::unique_ptr<char, void (*)(void*)> target(realpath(path.c_str(), nullptr), std::free);
  return target ? target.get() : path;
}

/// Whether there is something that is no file, such as a device or a pipe.
bool is_special(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

}  // namespace

std::string read_file(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail("open", path, errno, "file");
  std::string content;
  std::vector<char> part(1 << 20);
  ssize_t count = 0;
  while ((count = read(file, part.data(), part.size())) > 0 || (count < 0 && errno == EINTR)) {
    if (count > 0) content.append(part.data(), static_cast<size_t>(count));
  }
  const int reason = errno;
  close(file);
  if (count < 0) fail("read", path, reason, "file");
  return content;
}

void write_file_atomically(const std::string& named, std::string_view content) {
  const std::string path = behind_links(named);
  if (is_special(path)) {
    const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) fail("open", path, errno);
    const int reason = write_all(file, content);
    close(file);
    if (reason != 0) fail("write", path, reason);
    return;
  }
  // A name that nobody else writes to, also when one of a killed process is still there.
  const std::string stem = path + partial_mark + std::to_string(getpid()) + "-";
  std::string temporary;
  int file = -1;
  for (int number = 0; file < 0; ++number) {
    temporary = stem + std::to_string(number);
    file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && errno != EEXIST) fail("create", path, errno);
  }
  int reason = write_all(file, content);
  if (reason == 0 && fsync(file) != 0) reason = errno;
  if (close(file) != 0 && reason == 0) reason = errno;
  if (reason == 0 && rename(temporary.c_str(), path.c_str()) != 0) reason = errno;
  if (reason != 0) {
    unlink(temporary.c_str());
    fail("write", path, reason);
  }
  flush_folder_of(path);
}

std::optional<ExclusiveFile> ExclusiveFile::open(const std::string& path) {
  for (;;) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file < 0) fail("write", path, errno);
    ExclusiveFile opened(path, file);
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      // A file system without locks is no reason not to work there.
      if (errno != ENOLCK && errno != ENOTSUP) fail("lock", path, errno);
    }
    if (is_at(path, file)) return opened;
  }
}

ExclusiveFile::ExclusiveFile(ExclusiveFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

ExclusiveFile::~ExclusiveFile() {
  if (file_ >= 0) close(file_);
}

void ExclusiveFile::append(std::string_view text) {
  const off_t length = lseek(file_, 0, SEEK_END);
  int reason = write_all(file_, text);
  if (reason == 0 && fsync(file_) != 0) reason = errno;
  if (reason == 0) return;
  if (length >= 0 && ftruncate(file_, length) != 0) fail("restore", path_, errno);
  fail("write", path_, reason);
}

void ExclusiveFile::truncate(int64_t bytes) {
  if (ftruncate(file_, bytes) != 0 || fsync(file_) != 0) fail("cut", path_, errno);
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
