#include "espalier/autograd/backend/onednn/conv2d.h"

#include <initializer_list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>

#include "espalier/autograd/core/parallel.h"

namespace espalier::backend::onednn {
namespace {

using Memory = dnnl::memory;
using Desc = Memory::desc;

enum class Pass { forward, input_gradient, weight_gradient };

/// A kernel prepared for one pass, one set of sizes and one number of threads.
struct Prepared {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  Desc x, y, bias;
  Desc plain_weight;   // as we store it
  Desc packed_weight;  // as the kernel wants it
  Desc scratchpad;
  dnnl::primitive kernel;
  dnnl::primitive repack;  // between the two, in the direction of the pass; empty if they are equal
};

Desc image(int64_t n, int64_t h, int64_t w, int64_t c) {
  return Desc({n, c, h, w}, Memory::data_type::f32, Memory::format_tag::nhwc);
}

Desc weight(const Conv2d& p, bool any) {
  const auto f32 = Memory::data_type::f32;
  if (p.groups == 1) {
    return Desc({p.out_channels, p.channels, p.kernel_height, p.kernel_width}, f32,
                any ? Memory::format_tag::any : Memory::format_tag::ohwi);
  }
  return Desc(
      {p.groups, p.group_out_channels(), p.group_channels(), p.kernel_height, p.kernel_width}, f32,
      any ? Memory::format_tag::any : Memory::format_tag::gohwi);
}

std::shared_ptr<Prepared> prepare(const Conv2d& p, Pass pass, bool with_bias) {
  using dnnl::algorithm, dnnl::prop_kind;
  auto made = std::make_shared<Prepared>();
  Prepared& k = *made;
  k.x = image(p.batch, p.height, p.width, p.channels);
  k.y = image(p.batch, p.out_height(), p.out_width(), p.out_channels);
  if (with_bias) k.bias = Desc({p.out_channels}, Memory::data_type::f32, Memory::format_tag::a);
  k.plain_weight = weight(p, false);
  const Desc any_weight = weight(p, true);
  const Memory::dims strides{p.stride, p.stride}, dilates{p.dilation - 1, p.dilation - 1};
  // oneDNN takes the right padding as given; ours is whatever the last window needs (may be less
  // than `padding`, when a rest of the picture is dropped).
  const auto after = [&](int64_t in, int64_t out, int64_t kernel) {
    return (out - 1) * p.stride + p.dilation * (kernel - 1) + 1 - in - p.padding;
  };
  const Memory::dims before{p.padding, p.padding};
  const Memory::dims behind{after(p.height, p.out_height(), p.kernel_height),
                            after(p.width, p.out_width(), p.kernel_width)};
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto direct = algorithm::convolution_direct;
  const dnnl::convolution_forward::desc forward =
      with_bias
          ? dnnl::convolution_forward::desc(prop_kind::forward_training, direct, k.x, any_weight,
                                            k.bias, k.y, strides, dilates, before, behind)
          : dnnl::convolution_forward::desc(prop_kind::forward_training, direct, k.x, any_weight,
                                            k.y, strides, dilates, before, behind);
  const dnnl::convolution_forward::primitive_desc forward_kernel(forward, attributes, k.engine);
  Desc from = k.plain_weight, to;
  if (pass == Pass::forward) {
    k.packed_weight = to = forward_kernel.weights_desc();
    k.scratchpad = forward_kernel.scratchpad_desc();
    k.kernel = dnnl::convolution_forward(forward_kernel);
  } else if (pass == Pass::input_gradient) {
    const dnnl::convolution_backward_data::desc desc(direct, k.x, any_weight, k.y, strides, dilates,
                                                     before, behind);
    const dnnl::convolution_backward_data::primitive_desc kernel(desc, attributes, k.engine,
                                                                 forward_kernel);
    k.packed_weight = to = kernel.weights_desc();
    k.scratchpad = kernel.scratchpad_desc();
    k.kernel = dnnl::convolution_backward_data(kernel);
  } else {
    const dnnl::convolution_backward_weights::desc desc(direct, k.x, any_weight, k.y, strides,
                                                        dilates, before, behind);
    const dnnl::convolution_backward_weights::primitive_desc kernel(desc, attributes, k.engine,
                                                                    forward_kernel);
    k.packed_weight = from = kernel.diff_weights_desc();
    to = k.plain_weight;
    k.scratchpad = kernel.scratchpad_desc();
    k.kernel = dnnl::convolution_backward_weights(kernel);
  }
  if (from != to)
    k.repack = dnnl::reorder(dnnl::reorder::primitive_desc(k.engine, from, k.engine, to));
  return made;
}

/// Runs `body` with the kernel for this pass, under the thread count that it is prepared for.
template <class Body>
void with_prepared(const Conv2d& p, Pass pass, bool with_bias, Body&& body) {
  const int threads = parallel_part_count(static_cast<int64_t>(p.operations()), 400'000);
  TeamScope team(threads);
  const CacheKey key{'c',
                     static_cast<int64_t>(pass),
                     with_bias,
                     threads,
                     p.batch,
                     p.height,
                     p.width,
                     p.channels,
                     p.out_channels,
                     p.kernel_height,
                     p.kernel_width,
                     p.stride,
                     p.padding,
                     p.dilation,
                     p.groups};
  try {
    Engine& engine = Engine::current();
    const auto prepared =
        engine.primitives().get<Prepared>(key, [&] { return prepare(p, pass, with_bias); });
    const Buffer scratchpad = engine.buffers().take(prepared->scratchpad.get_size());
    body(*prepared, scratchpad);
  } catch (const dnnl::error& error) {
    throw Error("conv2d", std::string("oneDNN failed: ") + error.what());
  }
}

struct Argument {
  int role;
  const Desc& desc;
  const void* memory;
};

/// Runs a primitive through the C interface: the C++ one builds a hash map for each call.
void execute(const Prepared& k, const dnnl::primitive& primitive,
             std::initializer_list<Argument> arguments) {
  Memory memories[6];
  dnnl_exec_arg_t list[6];
  int count = 0;
  for (const Argument& argument : arguments) {
    memories[count] = Memory(argument.desc, k.engine, const_cast<void*>(argument.memory));
    list[count] = {argument.role, memories[count].get()};
    ++count;
  }
  dnnl::error::wrap_c_api(dnnl_primitive_execute(primitive.get(), k.stream.get(), count, list),
                          "execution");
}

/// The weight as the kernel wants it: `w` itself, or repacked into `storage`.
const float* packed(const Prepared& k, const float* w, Buffer& storage) {
  if (!k.repack.get(true)) return w;
  storage = Engine::current().buffers().take(k.packed_weight.get_size());
  execute(k, k.repack,
          {{DNNL_ARG_FROM, k.plain_weight, w}, {DNNL_ARG_TO, k.packed_weight, storage.as()}});
  return storage.as();
}

}  // namespace

void conv2d_forward(const Conv2d& problem, const float* x, const float* w, const float* b,
                    float* y) {
  with_prepared(
      problem, Pass::forward, b != nullptr, [&](const Prepared& k, const Buffer& scratchpad) {
        Buffer storage;
        const float* weights = packed(k, w, storage);
        const Argument source{DNNL_ARG_SRC, k.x, x},
            weight_in{DNNL_ARG_WEIGHTS, k.packed_weight, weights}, result{DNNL_ARG_DST, k.y, y},
            scratch{DNNL_ARG_SCRATCHPAD, k.scratchpad, scratchpad.as()};
        if (b) {
          execute(k, k.kernel, {source, weight_in, {DNNL_ARG_BIAS, k.bias, b}, result, scratch});
        } else {
          execute(k, k.kernel, {source, weight_in, result, scratch});
        }
      });
}

void conv2d_input_gradient(const Conv2d& problem, const float* gy, const float* w, float* gx) {
  with_prepared(problem, Pass::input_gradient, false,
                [&](const Prepared& k, const Buffer& scratchpad) {
                  Buffer storage;
                  const float* weights = packed(k, w, storage);
                  execute(k, k.kernel,
                          {{DNNL_ARG_DIFF_DST, k.y, gy},
                           {DNNL_ARG_WEIGHTS, k.packed_weight, weights},
                           {DNNL_ARG_DIFF_SRC, k.x, gx},
                           {DNNL_ARG_SCRATCHPAD, k.scratchpad, scratchpad.as()}});
                });
}

void conv2d_weight_gradient(const Conv2d& problem, const float* gy, const float* x, float* gw) {
  with_prepared(
      problem, Pass::weight_gradient, false, [&](const Prepared& k, const Buffer& scratchpad) {
        const bool repack = k.repack.get(true) != nullptr;
        Buffer storage;
        if (repack) storage = Engine::current().buffers().take(k.packed_weight.get_size());
        float* kernel_result = repack ? storage.as() : gw;
        execute(k, k.kernel,
                {{DNNL_ARG_SRC, k.x, x},
                 {DNNL_ARG_DIFF_DST, k.y, gy},
                 {DNNL_ARG_DIFF_WEIGHTS, k.packed_weight, kernel_result},
                 {DNNL_ARG_SCRATCHPAD, k.scratchpad, scratchpad.as()}});
        if (repack) {
          execute(
              k, k.repack,
              {{DNNL_ARG_FROM, k.packed_weight, kernel_result}, {DNNL_ARG_TO, k.plain_weight, gw}});
        }
      });
}

}  // namespace espalier::backend::onednn
