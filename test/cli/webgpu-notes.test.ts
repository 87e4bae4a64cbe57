import { expect, test } from 'vitest';
import { doneBy, loadedNote, takenOverNote } from '../../src/cli/terminal/webgpu-notes.ts';

const wasm = { backend: 'wasm', precision: 'f32' } as const;
const card = {
  backend: 'webgpu',
  precision: 'f32',
  adapter: 'nvidia lovelace',
  backendReason: 'asked for auto: nvidia lovelace',
} as const;

test('loadedNote: nobody asked for WebGPU, or it does what was asked → nothing', () => {
  expect(loadedNote(wasm, 'fast')).toBeUndefined();
  expect(loadedNote(card, undefined)).toBeUndefined();
  expect(loadedNote(card, 'f32')).toBeUndefined();
  expect(loadedNote({ ...card, precision: 'fast' }, 'fast')).toBeUndefined();
});

test('loadedNote: WASM in its place, f32 in place of fast → why', () => {
  expect(loadedNote({ ...wasm, backendReason: 'no WebGPU adapter' }, 'f32')).toBe(
    'WASM does the work, not WebGPU: no WebGPU adapter',
  );
  const backendReason = 'asked for auto: nvidia lovelace; f32, as it has no shader-f16';
  expect(loadedNote({ ...card, backendReason }, 'fast')).toBe(
    `WebGPU works in f32, not fast: ${backendReason}`,
  );
});

test('takenOverNote: a device lost, a picture too large for it → why; else nothing', () => {
  for (const same of [wasm, card]) expect(takenOverNote(same, same)).toBeUndefined();
  const lost = { ...wasm, backendReason: 'the device was lost: unplugged' };
  expect(takenOverNote(card, lost)).toBe(
    'WASM took over from WebGPU: the device was lost: unplugged',
  );
  const large = { ...card, backendReason: 'a picture was too large for the device: too wide' };
  expect(takenOverNote(card, large)).toBe(
    'WASM took over from WebGPU: a picture was too large for the device: too wide',
  );
});

test('doneBy: WebGPU → on which adapter; WASM → nothing', () => {
  expect(doneBy(card)).toBe(', WebGPU on nvidia lovelace');
  expect(doneBy(wasm)).toBe('');
});
