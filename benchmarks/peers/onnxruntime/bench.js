// node bench.js MODEL.onnx BATCH THREADS SECONDS, see README.md
const {open} = require('./session.js');

async function main() {
  const [model, batch, threads, seconds] = process.argv.slice(2);
  if (!seconds) throw new Error('usage: node bench.js MODEL.onnx BATCH THREADS SECONDS');
  const session = await open(model, {threads: Number(threads), precise: false});
  const input = session.tensor(Float32Array.from({length: Number(batch) * session.size}, () => Math.random()));
  for (let i = 0; i < 10; ++i) await session.run(input);

  const times = [];  // nanoseconds a call
  const begin = process.hrtime.bigint();
  for (let now = begin; Number(now - begin) < Number(seconds) * 1e9;) {
    await session.run(input);
    const then = now;
    now = process.hrtime.bigint();
    times.push(Number(now - then));
  }
  const median = times.sort((a, b) => a - b)[times.length >> 1];
  console.log(`${model}, batch ${batch}, threads ${threads}, ${times.length} calls`);
  console.log(`images_per_second=${Math.round(batch / median * 1e9)} latency_us=${(median / 1e3).toFixed(1)}`);
}

main().catch(error => { console.error(error.message); process.exit(1); });
