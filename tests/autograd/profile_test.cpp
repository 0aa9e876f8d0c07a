#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/profile.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/machine_peak.h"
#include "espalier/autograd/ops.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

void pass(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

const Profile::Row* find(const Profile& profile, const std::string& layer, Work work) {
  const auto found = std::find_if(
      profile.rows().begin(), profile.rows().end(),
      [&](const Profile::Row& row) { return row.key.layer == layer && row.key.work == work; });
  return found == profile.rows().end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("time between laps belongs to the later one, less its parts") {
  Profile profile(10);
  {
    const Profile::Listening listening(profile);
    pass(10);
    {
      const Profile::Part part(Work::forward);
      Profile::kernel("outer", 100);
      Profile::kernel("inner", 1);  // a kernel that the outer one runs on
      pass(20);
    }
    Profile::waited(0.005);
    Profile::lap("conv1", "conv2d", Work::elementwise);
    Profile::lap("", "step", Work::optimizer);
    const Profile::Pause pause;
    pass(50);
    Profile::lap("", "not seen", Work::other);
  }
  Profile::lap("", "not seen", Work::other);

  REQUIRE(profile.rows().size() == 4);
  const Profile::Row *rest = find(profile, "conv1", Work::elementwise),
                     *part = find(profile, "conv1", Work::forward),
                     *waiting = find(profile, "conv1", Work::waiting);
  REQUIRE((rest && part && waiting && find(profile, "", Work::optimizer)));
  // Sleeping may take longer than asked for, never shorter.
  CHECK(rest->seconds >= 0.005);
  CHECK(part->seconds >= 0.020);
  CHECK(waiting->seconds == 0.005);
  CHECK(part->key.kernel == "outer");
  CHECK(part->flop == 100);
  CHECK(profile.seconds() >= 0.030);
  REQUIRE(profile.events().size() == 3);
  const Profile::Event &whole = profile.events()[0], &inner = profile.events()[1];
  CHECK(whole.start <= inner.start);
  CHECK(inner.start + inner.seconds <= whole.start + whole.seconds);
}

TEST_CASE("a profile keeps as many events as asked for, and all of the time") {
  Profile profile(2);
  const Profile::Listening listening(profile);
  for (int i = 0; i < 5; ++i) Profile::lap("", "step", Work::optimizer);
  CHECK(profile.events().size() == 2);
  CHECK(profile.rows().at(0).calls == 5);
}

TEST_CASE("operations and their backward are told apart by layer and kind of work") {
  Engine engine({.threads = 2});
  EngineScope scope(engine);
  Profile profile;
  {
    const Profile::Listening listening(profile);
    Tensor x = normal({2, 8, 8, 3}, 1), w = normal({4, 3, 3, 3}, 2);
    x.require_grad();
    w.require_grad();
    Tensor y;
    {
      const LayerScope layer("conv1");
      y = relu(conv2d(x, w, {}, {.padding = 1}));
    }
    sum(y).backward();
  }
  const double operations = 2.0 * (2 * 8 * 8 * 4) * (3 * 3 * 3);
  for (Work work : {Work::forward, Work::input_gradient, Work::weight_gradient}) {
    INFO(name_of(work));
    const Profile::Row* row = find(profile, "conv1", work);
    REQUIRE(row);
    CHECK(row->calls == 1);
    CHECK(row->flop == operations);
    CHECK_FALSE(row->key.kernel.empty());
  }
  CHECK(find(profile, "conv1", Work::elementwise));
  CHECK(find(profile, "", Work::elementwise));  // the sum
}

TEST_CASE("waiting for other threads is seen") {
  Engine engine({.threads = 2});
  EngineScope scope(engine);
  Profile profile;
  const Profile::Listening listening(profile);
  parallel_parts(2, 1, [](int64_t, int64_t, int part) {
    if (part == 1) pass(100);
  });
  Profile::lap("", "loop", Work::other);
  const Profile::Row* waiting = find(profile, "", Work::waiting);
  REQUIRE(waiting);
  CHECK(waiting->seconds > 0.020);
}

TEST_CASE("the machine's peak is more than nothing") {
  Engine engine({.threads = 1});
  EngineScope scope(engine);
  CHECK(measured_peak() > 1e8);
}
