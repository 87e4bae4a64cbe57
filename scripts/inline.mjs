// Writes binary files as text in modules, which every runtime and bundler can load: dist/nano.js
// and its like from weights/nano, in base64, and dist/kernels.js from dist/taesd.wasm, in
// hexadecimal. Code repeats itself. Compressed, its hexadecimal text takes a fifth less than
// base64, in which a repeated sequence of bytes looks different at each of three alignments.
// Weights do not repeat.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

/** A loop takes 4 % of the time of `Uint8Array.from`: 6 ms for nano's two files, not 150. */
const BYTES_OF = {
  base64: `
function bytesOf(text) {
  if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
`,
  hex: `
function bytesOf(text) {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
`,
};

/** The small models, and the halves that each has. */
const NANOS = {
  nano: ['encoder', 'decoder'],
  'nano-sdxl': ['decoder'],
  'nano-sd3': ['decoder'],
  'nano-flux1': ['decoder'],
};

export function writeNanos() {
  for (const [model, halves] of Object.entries(NANOS)) {
    const fileOf = (half) => [half.toUpperCase(), `weights/nano/${model}_${half}.safetensors`];
    const fields = (value) => halves.map((half) => `${half}: ${value(half)}`);
    const bytes = fields((half) => `bytesOf(${half.toUpperCase()})`).join(', ');
    const what = halves.length === 1 ? 'a small decoder' : 'the small model';
    writeModule({
      name: model,
      exported: model.replace(/-(.)/, (_, letter) => letter.toUpperCase()),
      encoding: 'base64',
      files: Object.fromEntries(halves.map(fileOf)),
      doc: `/**
 * Returns the options with which \`Taesd.load\` runs \`${model}\`, ${what} in this package,
 * in a runtime that cannot load files.
 *
 * @returns the bytes of ${halves.length === 1 ? 'a safetensors file' : 'two safetensors files'} of 8 bits
 */`,
      type: `{\n  model: '${model}';\n  weights: { ${fields(() => 'Uint8Array').join('; ')} };\n}`,
      value: `{ model: '${model}', weights: { ${bytes} } }`,
    });
  }
}

export function writeKernels() {
  for (const [name, types] of Object.entries(WASM_TYPES)) {
    writeFileSync(new URL(`dist/${name}.d.ts`, root), types);
  }
  writeModule({
    name: 'kernels',
    encoding: 'hex',
    files: { WASM: 'dist/taesd.wasm' },
    doc: `/**
 * Returns the kernels for \`Taesd.load({ wasm: kernels() })\`. Needed if the file taesd.wasm cannot
 * be loaded, for example in code bundled into one file.
 *
 * @returns the bytes of taesd.wasm
 */`,
    type: 'Uint8Array',
    value: 'bytesOf(WASM)',
  });
}

/** The types of the imports: as workerd and edge runtimes give it, and as Vite does by query. */
const WASM_TYPES = {
  'taesd.wasm': `declare const kernels: import('./options/types.js').KernelModule;
export default kernels;
`,
  'taesd.wasm-url': `declare const url: string;
export default url;
`,
  'taesd.wasm-init': `/** Instantiates the kernels. \`Taesd.load\` takes the module, not an instance. */
declare const init: (imports?: object) => Promise<object>;
export default init;
`,
};

function writeModule({ name, exported = name, encoding, files, doc, type, value }) {
  const data = Object.entries(files).map(([constant, path]) => {
    const text = readFileSync(new URL(path, root)).toString(encoding);
    return `const ${constant} =\n  '${text}';\n`;
  });
  const code = `\n${doc}\nexport function ${exported}() {\n  return ${value};\n}\n`;
  const head = '// Made by scripts/inline.mjs.\n';
  writeFileSync(new URL(`dist/${name}.js`, root), head + data.join('') + code + BYTES_OF[encoding]);
  const module = `/** @module taesd-wasm/${name} */\n\n`;
  const types = `${module}${doc}\nexport declare function ${exported}(): ${type};\n`;
  writeFileSync(new URL(`dist/${name}.d.ts`, root), types);
}
