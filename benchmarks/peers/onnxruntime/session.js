// Opens a model of ours and makes inputs for it.
let runtime;
try {
  runtime = require('onnxruntime-node');
} catch (error) {
  console.error('onnxruntime-node is missing: npm install onnxruntime-node@1.30.0 --ignore-scripts');
  process.exit(77);
}

// With `precise`, sums of products of codes are exact. Otherwise, on processors with AVX2 and without
// VNNI, the runtime adds pairs of products in 16 bits, which saturate.
async function open(model, {threads, precise}) {
  const session = await runtime.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: {session: {x64quantprecision: precise ? '1' : '0'}},
  });
  const sample = session.inputMetadata[0].shape.slice(1);  // C×H×W or C; the number of samples is open
  return {
    size: sample.reduce((a, b) => a * b, 1),
    // A tensor of samples from numbers in our order, H×W×C each.
    tensor(numbers) {
      const count = numbers.length / this.size;
      const [channels, pixels] = [sample[0], this.size / sample[0]];
      const moved = new Float32Array(numbers.length);
      for (let n = 0, to = 0; n < count; ++n) {
        for (let c = 0; c < channels; ++c) {
          for (let p = 0; p < pixels; ++p) moved[to++] = numbers[n * this.size + p * channels + c];
        }
      }
      return new runtime.Tensor('float32', moved, [count, ...sample]);
    },
    async run(tensor) {
      return (await session.run({input: tensor})).logits;
    },
  };
}

module.exports = {open};
