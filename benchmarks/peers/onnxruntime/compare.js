// node compare.js MODEL.onnx INPUTS OUTPUTS [TOLERANCE], see README.md
const fs = require('fs');
const {open} = require('./session.js');

function floats(path) {
  const bytes = fs.readFileSync(path);
  if (bytes.length === 0 || bytes.length % 4) throw new Error(`${path} holds no float32`);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function largestAt(values, from, count) {
  let at = from;
  for (let k = from; k < from + count; ++k) if (values[k] > values[at]) at = k;
  return at - from;
}

async function main() {
  const [model, inputs, outputs, tolerance = '1e-4'] = process.argv.slice(2);
  if (!outputs) throw new Error('usage: node compare.js MODEL.onnx INPUTS OUTPUTS [TOLERANCE]');
  const session = await open(model, {threads: 1, precise: true});
  const [x, ours] = [floats(inputs), floats(outputs)];
  const count = x.length / session.size;
  if (!Number.isInteger(count)) throw new Error(`${inputs} does not hold whole samples of ${session.size}`);
  if (ours.length % count) throw new Error(`${outputs} does not hold ${count} equal rows`);
  const classes = ours.length / count;

  let [worst, largest, agree] = [0, 1, 0];
  const batch = 50;
  for (let n = 0; n < count; n += batch) {
    const rows = Math.min(batch, count - n);
    const logits = await session.run(session.tensor(x.subarray(n * session.size, (n + rows) * session.size)));
    const theirs = logits.data;
    if (theirs.length !== rows * classes) throw new Error(`the model gives ${logits.dims.join('×')}, not ${rows}×${classes}`);
    for (let i = 0; i < theirs.length; ++i) {
      const difference = Math.abs(theirs[i] - ours[n * classes + i]);
      if (!(difference <= worst)) worst = difference;  // NaN stays
      largest = Math.max(largest, Math.abs(ours[n * classes + i]));
    }
    for (let r = 0; r < rows; ++r) {
      if (largestAt(theirs, r * classes, classes) === largestAt(ours, (n + r) * classes, classes)) ++agree;
    }
  }
  console.log(`${model}: samples=${count} largest_difference=${worst.toExponential(1)} ` +
    `largest_logit=${largest.toFixed(1)} same_class=${agree}`);
  if (!(worst <= Number(tolerance) * largest)) {
    console.error(`that is more than ${tolerance} of the largest logit`);
    process.exit(1);
  }
}

main().catch(error => { console.error(error.message); process.exit(1); });
