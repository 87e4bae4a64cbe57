import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { type EndedByUsing, endByUsing } from '../../src/builtins/disposal.ts';
import { arrayKind, tagOf } from '../../src/builtins/tags.ts';
import { decodeLatentPng, encodeLatentPng } from '../../src/formats/index.ts';
import {
  dequantizeLatents,
  latentsToPicture,
  quantizeLatents,
  readSafetensors,
  TaesdError,
  toTensor,
  toVaeLatents,
  writeSafetensors,
} from '../../src/index.ts';
import { decodePicture } from '../../src/picture/index.ts';
import { decodePng, encodePng, encodePngRows } from '../../src/png/index.ts';
import { createPreviewer, predictOriginal } from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { randomTensor, seededRandom } from '../random.ts';

/*
 * Values of a context of node:vm, whose classes are not those of this realm. Each call gives what
 * it gives for values of its own, in arrays of its own.
 */

type Realm = typeof globalThis;
const realm: Realm = runInNewContext('this');
const floats = (data: ArrayLike<number>): Float32Array => realm.Float32Array.from(data);
const bytes = (data: ArrayLike<number>): Uint8Array => realm.Uint8Array.from(data);

const LATENTS = randomTensor(seededRandom(5), [1, 4, 3, 5], 2);
const FOREIGN = { shape: realm.Array.from(LATENTS.shape), data: floats(LATENTS.data) };
const PIXELS = Uint8Array.from({ length: 4 * 40 * 24 }, (_, i) => (i % 4 === 3 ? 255 : i & 255));
const PICTURE = { width: 40, height: 24, data: PIXELS };

let taesd: Taesd;
beforeAll(async () => {
  taesd = await Taesd.load({ model: 'nano', workers: 0 });
});

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const all: number[] = [];
  for await (const piece of pieces) all.push(...piece);
  return all;
}

describe('values of a vm context', () => {
  test('they are of another realm', () => {
    expect(FOREIGN.data).not.toBeInstanceOf(Float32Array);
    expect(FOREIGN.shape).not.toBeInstanceOf(Array);
  });

  test('decode, decodeRows, steps, previewer → as for values of this realm', async () => {
    const wanted = await taesd.decode(LATENTS);
    expect(await taesd.decode(FOREIGN)).toEqual(wanted);
    const rows: number[] = [];
    for await (const { data } of taesd.decodeRows(FOREIGN)) rows.push(...data);
    expect(rows).toEqual([...wanted.data]);
    for await (const { inputs } of taesd.steps(FOREIGN)) {
      expect(inputs[0].data).toBeInstanceOf(Float32Array);
      expect(inputs[0].data).toEqual(LATENTS.data);
      break;
    }
    const frames: unknown[] = [];
    const previewer = createPreviewer(taesd, { onFrame: (picture) => void frames.push(picture) });
    previewer.push(FOREIGN);
    await previewer.idle();
    expect(frames).toEqual([wanted]);
  });

  test('encode → as for values of this realm; overwritten after the call → as it was', async () => {
    const wanted = await taesd.encode(PICTURE);
    const clamped = realm.Uint8ClampedArray.from(PIXELS);
    for (const data of [bytes(PIXELS), clamped, Buffer.from(PIXELS)]) {
      const work = taesd.encode({ ...PICTURE, data });
      data.fill(0);
      expect(await work).toEqual(wanted);
    }
    const tensor = await taesd.decode(LATENTS, { output: 'tensor' });
    const unit = tensor.data.map((value) => Math.min(Math.max(value, 0), 1));
    const { shape } = tensor;
    expect(await taesd.encode({ shape, data: floats(unit) })).toEqual(
      await taesd.encode({ shape, data: unit }),
    );
  });

  test('load: weights and kernels in their bytes, a module, a URL → as without', async () => {
    const wanted = await taesd.decode(LATENTS);
    const { nano } = await import(new URL('../../dist/nano.js', import.meta.url).href);
    const { kernels } = await import(new URL('../../dist/kernels.js', import.meta.url).href);
    const { encoder, decoder } = nano().weights;
    const weights = { encoder: bytes(encoder), decoder: bytes(decoder) };
    const module: WebAssembly.Module = new realm.WebAssembly.Module(
      bytes(kernels()).buffer as ArrayBuffer,
    );
    expect(module).not.toBeInstanceOf(WebAssembly.Module);
    for (const wasm of [bytes(kernels()), module]) {
      const other = await Taesd.load({ model: 'nano', weights, wasm, workers: 1 });
      expect(await other.decode(FOREIGN)).toEqual(wanted);
      other.dispose();
    }
    // An object of another class.
    const url = {
      href: 'file:///absent/',
      toString: () => 'file:///absent/',
    } as unknown as URL;
    await expect(Taesd.load({ model: 'nano', weights: url })).rejects.toMatchObject({
      code: 'ARG',
      message: expect.stringContaining('"file:///absent/" expected a folder'),
    });
  });

  test('files: PNG, pictures, latents, safetensors → as for values of this realm', async () => {
    const png = encodePng(PICTURE);
    expect(encodePng({ ...PICTURE, data: bytes(PIXELS) })).toEqual(png);
    expect(decodePng(bytes(png))).toEqual(decodePng(png));
    expect(decodePng(bytes(png)).data).toBeInstanceOf(Uint8Array);
    expect(decodePng(bytes(png).buffer as never)).toEqual(decodePng(png));
    expect(await decodePicture(bytes(png))).toEqual(await decodePicture(png));
    const header = { width: 40, height: 24, channels: 4 } as const;
    const band = { y: 0, rows: 24, data: bytes(PIXELS) };
    expect(decodePng(Uint8Array.from(await collected(encodePngRows(header, [band])))).data).toEqual(
      decodePng(png).data,
    );
    const file = encodeLatentPng({ latents: LATENTS, model: 'nano' });
    expect(encodeLatentPng({ latents: FOREIGN, model: 'nano' })).toEqual(file);
    expect(decodeLatentPng(bytes(file))).toEqual(decodeLatentPng(file));
    const tensors = writeSafetensors([['a', LATENTS]]);
    expect(writeSafetensors([['a', FOREIGN]])).toEqual(tensors);
    const stored = readSafetensors(bytes(tensors)).tensors.get('a');
    expect(stored && toTensor({ ...stored, bytes: bytes(stored.bytes) })).toEqual(LATENTS);
  });

  test('latents: bytes, picture, spaces, prediction → as for values of this realm', async () => {
    const quantised = quantizeLatents(LATENTS.data);
    expect(quantizeLatents(FOREIGN.data)).toEqual(quantised);
    expect(dequantizeLatents(bytes(quantised))).toEqual(dequantizeLatents(quantised));
    expect(latentsToPicture(FOREIGN)).toEqual(latentsToPicture(LATENTS));
    expect(toVaeLatents(FOREIGN, 'taesd')).toEqual(toVaeLatents(LATENTS, 'taesd'));
    const options = { prediction: 'epsilon', sigma: 0.5 } as const;
    expect(predictOriginal(FOREIGN, FOREIGN, options)).toEqual(
      predictOriginal(LATENTS, LATENTS, options),
    );
  });

  test('errors and promises of the realm → as those of this one', async () => {
    const rejected: Promise<never> = realm.Promise.reject(new realm.Error('no numbers'));
    const latents = { dims: [1, 4, 1, 1], location: 'gpu', getData: () => rejected };
    await expect(taesd.decode(latents as never)).rejects.toMatchObject({
      name: 'TaesdError',
      message: 'decode: "latents data" expected numbers that can be read, got no numbers',
    });
    const given: Promise<Float32Array> = realm.Promise.resolve(floats(LATENTS.data.slice(0, 4)));
    const read = { dims: [1, 4, 1, 1], location: 'gpu', getData: () => given };
    const own = { shape: [1, 4, 1, 1], data: LATENTS.data.slice(0, 4) };
    expect(await taesd.decode(read as never)).toEqual(await taesd.decode(own));
  });

  test('an AbortSignal of any class → cancels; an object without its methods → ARG', async () => {
    const target = new EventTarget();
    const signal = Object.assign(target, { aborted: false, reason: 'by the caller' });
    const work = taesd.decode(FOREIGN, { signal: signal as never });
    signal.aborted = true;
    target.dispatchEvent(new Event('abort'));
    await expect(work).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'decode: aborted (by the caller)',
    });
    const without = { [Symbol.toStringTag]: 'AbortSignal', aborted: false };
    await expect(taesd.decode(FOREIGN, { signal: without as never })).rejects.toMatchObject({
      code: 'ARG',
    });
  });

  test('tagOf, arrayKind: values that throw when they are looked at → a tag, no error', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect([tagOf(proxy), tagOf(null), tagOf(new realm.Date())]).toEqual([
      'Object',
      'Null',
      'Date',
    ]);
    expect(arrayKind(Object.create(realm.Uint8Array.prototype))).toBe('');
    expect(arrayKind(Buffer.alloc(1))).toBe('Uint8Array');
    expect(arrayKind(new realm.DataView(new realm.ArrayBuffer(1)))).toBe('DataView');
  });
});

describe('using', () => {
  test('instance [Symbol.dispose] → disposed; previewer → stopped', async () => {
    const own = await Taesd.load({ model: 'nano', workers: 0 });
    const previewer = createPreviewer(own, { onFrame() {} });
    previewer[Symbol.dispose]();
    expect(previewer.push(LATENTS)).toBe(false);
    own[Symbol.dispose]();
    await expect(own.decode(LATENTS)).rejects.toThrow('this instance was disposed');
    expect(Object.keys(own)).toEqual([]);
  });

  test('endByUsing where Symbol.dispose is missing → the object stays as it is', () => {
    const { dispose } = Symbol;
    const object: Partial<EndedByUsing> = {};
    // The property of Symbol cannot be deleted: a realm without it stands in.
    const real = globalThis.Symbol;
    globalThis.Symbol = Object.assign(() => {}, { toStringTag: real.toStringTag }) as never;
    try {
      endByUsing(object, () => {});
    } finally {
      globalThis.Symbol = real;
    }
    expect(Reflect.ownKeys(object)).toEqual([]);
    endByUsing(object, () => {});
    expect(Reflect.ownKeys(object)).toEqual([dispose]);
  });
});

test('TaesdError: cause, where Error takes none → there all the same', () => {
  const cause = new Error('behind');
  const { cause: own } = Object.getOwnPropertyDescriptors(new TaesdError('ARG', 'x', { cause }));
  expect(own).toMatchObject({ value: cause, enumerable: false, writable: true });
});
