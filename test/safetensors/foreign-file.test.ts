import { describe, expect, test } from 'vitest';
import { inCall } from '../../src/errors.ts';
import { readSafetensors } from '../../src/safetensors/read.ts';
import { utf8 } from '../bytes.ts';
import { expectError } from '../thrown-by.ts';
import { entry, GOOD, ones, rawFile, refused } from './raw-file.ts';

describe('other things under the name of safetensors', () => {
  const rule = '"bytes" expected a safetensors file, got';

  test('readSafetensors: a zip → UNSUPPORTED, saying .pth', () => {
    const hint = 'Taesd.load reads weights of a .pth file, readLatents its latents';
    const zip = Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 8, 8, 0, 0, 0, 0);
    refused(zip, 'UNSUPPORTED', `${rule} a zip file (${hint})`);
  });

  test('readSafetensors: a pickle → UNSUPPORTED', () => {
    const hint = 'a .pth or .ckpt file of torch before 1.6 is not read; convert it to safetensors';
    const pickle = Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20);
    refused(pickle, 'UNSUPPORTED', `${rule} a Python pickle (${hint})`);
  });

  test.each(['<!DOCTYPE html><html>', '<!doctype html>', '\ufeff\n <html lang="en">', '<HTML>'])(
    'readSafetensors: a web page %j → FORMAT',
    (page) => {
      const hint = 'the address is wrong, or a web page was saved in place of the file';
      refused(utf8(page), 'FORMAT', `${rule} HTML (${hint})`);
    },
  );

  test('readSafetensors: a PNG → FORMAT', () => {
    const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
    refused(png, 'FORMAT', `${rule} a PNG (a picture in place of weights?)`);
  });

  test('readSafetensors: a Git LFS pointer → FORMAT', () => {
    const hint = 'the file itself was not fetched; run `git lfs pull`, or download it';
    const pointer = utf8('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
    refused(pointer, 'FORMAT', `${rule} a Git LFS pointer (${hint})`);
  });

  test('readSafetensors: a good file whose length spells a pickle (0x0280) → reads; cut short → TRUNCATED', () => {
    const header = `{${entry('a', 'U8', [1], [0, 1])}}`.padEnd(0x280);
    const file = rawFile(header, ones(1));
    expect([...file.subarray(0, 2)]).toEqual([0x80, 2]);
    expect(readSafetensors(file).tensors.size).toBe(1);
    const message = '"header length" expected at least 8 bytes, got 5';
    refused(file.subarray(0, 5), 'TRUNCATED', message);
  });

  test('readSafetensors: not bytes → ARG; a detached buffer → ARG', () => {
    const text = 'taesd.safetensors' as unknown as Uint8Array;
    const message =
      'readSafetensors: "bytes" expected a Uint8Array or ArrayBuffer, got "taesd.safetensors"';
    expectError(() => readSafetensors(text), 'ARG', message);
    const bytes = GOOD.slice();
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    refused(
      bytes,
      'ARG',
      '"bytes" expected live data, got a detached buffer (transferred to a worker?)',
    );
  });

  test('readSafetensors: shared memory → reads', () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(GOOD.length));
    bytes.set(GOOD);
    expect(readSafetensors(bytes).tensors.get('a')?.bytes).toEqual(ones(8));
  });

  test('readSafetensors: inside another call → messages begin with the outer call', () => {
    const message = 'loadWeights: "header length" expected at least 8 bytes, got 0 (empty file?)';
    const read = () => inCall('loadWeights', () => readSafetensors(new Uint8Array(0)));
    expectError(read, 'TRUNCATED', message);
  });
});
