#include "espalier/autograd/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/core/profile.h"

// oneDNN as packaged by Debian runs on GCC's OpenMP runtime. Two thread pools on the same cores
// would fight each other, so the teams here are teams of that same runtime, entered through its
// binary interface: no pragma is needed, and Clang-built code shares the pool as well.
extern "C" {
void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);
int omp_get_thread_num();
int omp_get_max_threads();
int omp_in_parallel();
void omp_set_num_threads(int threads);
}

namespace espalier {
namespace {

template <class F>
void run_team(int threads, F&& body /* (thread) */) {
  GOMP_parallel(
      [](void* data) { (*static_cast<std::remove_reference_t<F>*>(data))(omp_get_thread_num()); },
      &body, static_cast<unsigned>(threads), 0);
}

thread_local bool denormals_flushed = false;

}  // namespace

bool in_parallel() {
  return omp_in_parallel() != 0;
}

size_t place_in_team() {
  return static_cast<size_t>(omp_get_thread_num());
}

int parallel_part_count(int64_t n, int64_t grain) {
  const int64_t wanted = n / std::max<int64_t>(grain, 1);
  if (wanted <= 1 || in_parallel()) return 1;
  return static_cast<int>(std::min<int64_t>(wanted, Engine::current().threads()));
}

void parallel_parts(int64_t n, int64_t grain, RangeBody body) {
  if (n <= 0) return;
  const int parts = parallel_part_count(n, grain);
  if (parts == 1) return body(0, n, 0);
  std::exception_ptr failure;
  std::atomic_flag failed = ATOMIC_FLAG_INIT;
  Engine& engine = Engine::current();
  double own_end = 0;
  auto run = [&](int part) {
    try {
      EngineScope same_engine(engine);
      body(n * part / parts, n * (part + 1) / parts, part);
    } catch (...) {
      if (!failed.test_and_set()) failure = std::current_exception();
    }
    if (part == 0 && Profile::listening()) own_end = Profile::now();
  };
  run_team(parts, run);
  if (own_end > 0) Profile::waited(Profile::now() - own_end);
  if (failure) std::rethrow_exception(failure);
}

TeamScope::TeamScope(int threads) : previous_(omp_get_max_threads()) {
  if (threads != previous_) omp_set_num_threads(threads);
}

TeamScope::~TeamScope() {
  if (omp_get_max_threads() != previous_) omp_set_num_threads(previous_);
}

FlushDenormals::FlushDenormals() {
  if (denormals_flushed || in_parallel()) return;
  denormals_flushed = true;
  team_ = Engine::current().threads();
  auto set = [&](int thread) { previous_[thread] = flush_denormals_here(); };
  run_team(team_, set);
}

FlushDenormals::~FlushDenormals() {
  if (team_ == 0) return;
  auto restore = [&](int thread) { restore_denormals_here(previous_[thread]); };
  run_team(team_, restore);
  denormals_flushed = false;
}

}  // namespace espalier
