// A native program at a given path, such as one that runs taesd on ncnn. The header of
// bench/peers.mjs says what it reads and writes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const HEAD_BYTES = 8 + 3 * 4;

/** @param options  { program }, the path */
export async function load(part, { program }) {
  if (program === undefined) throw new Error('no --ncnn PATH with a program');
  const child = spawn(program, [part], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child, 'spawn');
  const read = reader(child.stdout);
  return {
    async run({ shape, data }) {
      child.stdin.write(Buffer.from(Int32Array.from(shape.slice(1)).buffer));
      child.stdin.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      const head = new DataView(await read(HEAD_BYTES));
      const sides = [8, 12, 16].map((offset) => head.getInt32(offset, true));
      const bytes = 4 * sides.reduce((a, b) => a * b, 1);
      return {
        shape: [1, ...sides],
        data: new Float32Array(await read(bytes)),
        ms: 1000 * head.getFloat64(0, true), // without the way through the pipes
      };
    },
  };
}

/** Returns a function that reads so many bytes of a stream as an ArrayBuffer. */
function reader(stream) {
  const pieces = stream[Symbol.asyncIterator]();
  let rest = Buffer.alloc(0);
  return async (bytes) => {
    const parts = [rest];
    for (let length = rest.length; length < bytes; length += parts.at(-1).length) {
      const { value, done } = await pieces.next();
      if (done) throw new Error('the program ended early');
      parts.push(value);
    }
    const all = Buffer.concat(parts);
    rest = all.subarray(bytes);
    return Uint8Array.from(all.subarray(0, bytes)).buffer;
  };
}
