// A warm training step asks the system for no memory and prepares no kernel. The first claim is
// checked by the kernel of the operating system: a child process installs a system-call filter that
// kills it at the first mmap, munmap, mremap or brk, and then trains twenty steps.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <functional>

#include "espalier/autograd/batch.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/compress/pruners/agp_pruner.h"
#include "espalier/compress/pruners/level_pruner.h"
#include "espalier/nn/layers/activation.h"
#include "espalier/nn/layers/batch_norm.h"
#include "espalier/nn/layers/conv2d.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/layers/pool.h"
#include "espalier/nn/layers/residual.h"
#include "espalier/nn/loss.h"
#include "espalier/nn/models.h"
#include "espalier/nn/optim/adam.h"
#include "espalier/nn/optim/sgd.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

// oneDNN's sgemm takes its working memory from malloc, so the heap needs some steps until it has
// found its shape; nothing is asked for after that.
constexpr int warm_up = 100, measured = 20;

/// A network with what `resnet20` has, small enough for many steps.
nn::Sequential small_resnet() {
  const auto conv = [](int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    return nn::Conv2d({.in = in,
                       .out = out,
                       .kernel = kernel,
                       .stride = stride,
                       .padding = kernel / 2,
                       .bias = false});
  };
  nn::Residual same, wider;
  same.add("conv1", conv(16, 16, 3, 1))
      .add("bn1", nn::BatchNorm2d({.channels = 16}))
      .add("relu1", nn::ReLU())
      .add("conv2", conv(16, 16, 3, 1))
      .add("bn2", nn::BatchNorm2d({.channels = 16}));
  wider.add("conv1", conv(16, 32, 3, 2))
      .add("bn1", nn::BatchNorm2d({.channels = 32}))
      .add_to_shortcut("conv", conv(16, 32, 1, 2))
      .add_to_shortcut("bn", nn::BatchNorm2d({.channels = 32}));
  nn::Sequential net;
  net.add("conv1", conv(3, 16, 3, 1))
      .add("bn1", nn::BatchNorm2d({.channels = 16}))
      .add("relu1", nn::ReLU())
      .add("block1", std::move(same))
      .add("block1_relu", nn::ReLU())
      .add("block2", std::move(wider))
      .add("block2_relu", nn::ReLU())
      .add("pool", nn::GlobalAvgPool2d())
      .add("fc", nn::Linear({.in = 32, .out = 10}));
  return net;
}

nn::NamedModel find_model(const std::string& name) {
  if (name == "small resnet") return {name, "", {12, 12, 3}, small_resnet};
  return nn::named_model(name);
}

Batch batch_of(int64_t size, const Shape& sample) {
  std::vector<int32_t> classes;
  for (int32_t i = 0; i < size; ++i) classes.push_back(i % 10);
  return {normal({size, sample[0], sample[1], sample[2]}, 1),
          Labels{std::span<const int32_t>(classes)}};
}

/// Trains; calls `warm` when the warm-up is over.
void train(const std::string& name, bool masked, bool adam, const std::function<void()>& warm) {
  const nn::NamedModel model = find_model(name);
  nn::Sequential net = model.make();
  compress::AGPruner pruner({{{"final_sparsity", 0.9}, {"end_epoch", 1}}});
  if (masked) pruner(net);
  std::unique_ptr<nn::Optimizer> optimizer;
  if (adam)
    optimizer = std::make_unique<nn::Adam>(net, nn::Adam::Options{});
  else
    optimizer = std::make_unique<nn::SGD>(
        net, nn::SGD::Options{.lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4});
  const Batch full = batch_of(64, model.sample), last = batch_of(23, model.sample);
  for (int step = 0; step < warm_up + measured; ++step) {
    if (step == warm_up) warm();
    const Batch& batch = step % 3 == 2 ? last : full;  // the last of an epoch is smaller
    optimizer->zero_grad();
    nn::cross_entropy(net(batch.images), batch.labels).backward();
    optimizer->step();
  }
}

/// From now on, memory may not be asked for: the filter decides by the number of the system call.
bool forbid_memory_calls() {
  const auto kill_on = [](unsigned number) -> std::array<sock_filter, 2> {
    return {{BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
             BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)}};
  };
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (unsigned number : {__NR_mmap, __NR_munmap, __NR_mremap, __NR_brk}) {
    for (const sock_filter& instruction : kill_on(number)) program.push_back(instruction);
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
}

enum Outcome { finished = 0, no_filter = 3 };

/// Runs `body` in a child process; the result is its exit code, or −signal.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace

TEST_CASE("a warm step makes no system call for memory") {
#if defined(__SANITIZE_ADDRESS__)
  WARN("skipped: the address sanitizer asks for memory of its own");
  return;
#endif
  // The filter itself must bite, or what follows proves nothing.
  const int control = in_child([] {
    if (!forbid_memory_calls()) return int{no_filter};
    syscall(SYS_munmap, nullptr, 0);
    return int{finished};
  });
  if (control == no_filter) {
    WARN("skipped: this system does not let a process filter its own system calls");
    return;
  }
  REQUIRE(control == -SIGSYS);
  for (const char* model : {"lenet300", "lenet5", "small resnet"}) {
    for (bool masked : {false, true}) {
      for (bool adam : {false, true}) {
        INFO(model << (masked ? " masked" : "") << (adam ? " Adam" : " SGD"));
        CHECK(in_child([&] {
                train(model, masked, adam, [] {
                  if (!forbid_memory_calls()) _exit(no_filter);
                });
                _exit(finished);  // without destructors, which may give memory back
                return int{finished};
              }) == finished);
      }
    }
  }
}

TEST_CASE("a warm step misses no buffer and prepares no kernel") {
  for (const char* convolution : {"im2col", "onednn", "by estimate"}) {
    Engine engine;
    EngineScope scope(engine);
#if !ESPALIER_HAS_ONEDNN
    if (convolution == std::string("onednn")) continue;
#endif
    for (const char* pass : {"conv2d.forward", "conv2d.input_gradient", "conv2d.weight_gradient"}) {
      if (convolution != std::string("by estimate")) engine.plan().choose(pass, convolution);
    }
    for (const char* model : {"lenet5", "small resnet"}) {
      INFO(model << " with " << convolution);
      BufferPool::Stats before;
      int64_t created = 0;
      train(model, true, false, [&] {
        before = engine.buffers().stats();
        created = engine.primitives().created();
      });
      CHECK(engine.buffers().stats().misses == before.misses);
      CHECK(engine.buffers().stats().hits > before.hits);
      CHECK(engine.primitives().created() == created);
      if (convolution == std::string("onednn")) CHECK(created >= 5);
    }
  }
}
