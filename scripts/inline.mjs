// Writes files as modules of text, which every runtime and bundler can load: dist/nano.js from weights/nano, dist/kernels.js
// from dist/taesd.wasm.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

const BYTES_OF = `
function bytesOf(text) {
  if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
`;

export function writeNano() {
  writeModule({
    name: 'nano',
    files: {
      ENCODER: 'weights/nano/nano_encoder.safetensors',
      DECODER: 'weights/nano/nano_decoder.safetensors',
    },
    doc: `/**
 * What \`Taesd.load\` takes to run \`nano\`, the small model of this package, where files cannot be loaded.
 *
 * @returns the bytes of two safetensors files, F16
 */`,
    type: "{\n  model: 'nano';\n  weights: { encoder: Uint8Array; decoder: Uint8Array };\n}",
    value: "{ model: 'nano', weights: { encoder: bytesOf(ENCODER), decoder: bytesOf(DECODER) } }",
  });
}

export function writeKernels() {
  writeFileSync(new URL('dist/taesd.wasm.d.ts', root), WASM_TYPES);
  writeModule({
    name: 'kernels',
    files: { WASM: 'dist/taesd.wasm' },
    doc: `/**
 * The kernels, for \`Taesd.load({ wasm: kernels() })\` where the file taesd.wasm cannot be loaded: code that a bundler has
 * made one file of, say.
 *
 * @returns the bytes of taesd.wasm
 */`,
    type: 'Uint8Array',
    value: 'bytesOf(WASM)',
  });
}

/** As workerd, and what bundles for it, import it. */
const WASM_TYPES = `declare const kernels: import('./options/types.js').KernelModule;
export default kernels;
`;

function writeModule({ name, files, doc, type, value }) {
  const data = Object.entries(files).map(([constant, path]) => {
    const text = readFileSync(new URL(path, root)).toString('base64');
    return `const ${constant} =\n  '${text}';\n`;
  });
  const code = `\n${doc}\nexport function ${name}() {\n  return ${value};\n}\n`;
  const head = '// Made by scripts/inline.mjs.\n';
  writeFileSync(new URL(`dist/${name}.js`, root), head + data.join('') + code + BYTES_OF);
  const types = `${doc}\nexport declare function ${name}(): ${type};\n`;
  writeFileSync(new URL(`dist/${name}.d.ts`, root), types);
}
