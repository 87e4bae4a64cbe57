// Writes weights/nano as a module, dist/nano.js: the bytes of both files as text, which every runtime and bundler can load.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

const CODE = `
/**
 * What \`Taesd.load\` takes to run \`nano\`, the small model of this package, where files cannot be loaded.
 *
 * @returns { model, weights }: the bytes of two safetensors files, F16
 */
export function nano() {
  return { model: 'nano', weights: { encoder: bytesOf(ENCODER), decoder: bytesOf(DECODER) } };
}

function bytesOf(text) {
  if (Uint8Array.fromBase64 !== undefined) return Uint8Array.fromBase64(text);
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
`;

const TYPES = `/**
 * What \`Taesd.load\` takes to run \`nano\`, the small model of this package, where files cannot be loaded.
 *
 * @returns the bytes of two safetensors files, F16
 */
export declare function nano(): {
  model: 'nano';
  weights: { encoder: Uint8Array; decoder: Uint8Array };
};
`;

/** @returns the bytes of both files */
export function writeNano() {
  const files = ['encoder', 'decoder'].map((part) =>
    readFileSync(new URL(`weights/nano/nano_${part}.safetensors`, root)),
  );
  const [encoder, decoder] = files.map((file) => file.toString('base64'));
  const data = `const ENCODER =\n  '${encoder}';\nconst DECODER =\n  '${decoder}';\n`;
  const head = '// Made by scripts/nano.mjs from weights/nano.\n';
  writeFileSync(new URL('dist/nano.js', root), head + data + CODE);
  writeFileSync(new URL('dist/nano.d.ts', root), TYPES);
  return files.reduce((sum, { length }) => sum + length, 0);
}
