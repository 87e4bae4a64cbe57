import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { type ErrorCode, TaesdError } from '../../src/errors.ts';
import type { Half } from '../../src/model/layers.ts';
import { type ModelName, VARIANTS } from '../../src/model/variants.ts';
import type { StoredTensor } from '../../src/numbers/stored.ts';
import type { LoadOptions, WeightSource } from '../../src/options/types.ts';
import { readSafetensors } from '../../src/safetensors/read.ts';
import { writeSafetensors } from '../../src/safetensors/write.ts';
import { Taesd } from '../../src/taesd.ts';
import type { Tensor } from '../../src/tensor.ts';
import { bindWeights } from '../../src/weights/bind-weights.ts';
import { loadWeights } from '../../src/weights/load.ts';
import { taesd as command } from '../cli/command-line.ts';
import { processorMs } from '../processor-time.ts';
import { entry, rawFile } from '../safetensors/raw-file.ts';
import { SHARED_ABSENT, sharedFile, sharedIsThere, sharedPath, testShared } from '../shared.ts';
import { randomTensors } from '../small-model.ts';
import { dict, fileOfTensors, pickle, tensor, torchFile } from '../torch/build-torch.ts';

/*
 * Weights as people have them: upstream's `.pth`, prefixes, spare tensors, other types, channels
 * last, and models that are not supported.
 */

const folder = mkdtempSync(join(tmpdir(), 'taesd-upstream-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

type Named = ReadonlyMap<string, Tensor>;
const DECODER: Named = randomTensors('taesd', 'decoder');
const ENCODER: Named = randomTensors('taesd', 'encoder');
const PLAIN = writeSafetensors(DECODER);

const renamed = (tensors: Named, rename: (name: string) => string) =>
  [...tensors].map(([name, tensor]) => [rename(name), tensor] as const);

const bytesOf = ({ data }: Tensor): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** A file as torch.save writes it. */
const pthOf = (tensors: Iterable<readonly [string, Tensor]>): Uint8Array =>
  fileOfTensors(
    Object.fromEntries(
      [...tensors].map(([name, tensor]): [string, StoredTensor] => [
        name,
        { dtype: 'F32', shape: tensor.shape, bytes: bytesOf(tensor) },
      ]),
    ),
  );

const LATENTS: Tensor = {
  shape: [1, 4, 1, 2],
  data: Float32Array.of(0.5, -1, 2, 0.25, -0.75, 1.5, -2, 1),
};

/** Reads the weights of a decoder. @returns all its numbers, hashed, and the note on the file */
async function read(weights: WeightSource, half: Half = 'decoder', model: ModelName = 'taesd') {
  const variant = VARIANTS[model];
  const { tensors } = await loadWeights(variant, [half], { weights });
  const { networks, note } = await bindWeights(variant, [half], tensors);
  const hash = createHash('sha256');
  for (const { weights: layer } of networks.get(half) ?? []) {
    for (const tensor of layer.values()) hash.update(bytesOf(tensor));
  }
  return { numbers: hash.digest('hex'), note };
}

const right = read(PLAIN);

/** Decodes two latents. */
async function decode(options: LoadOptions) {
  const model = await Taesd.load({ workers: 0, model: 'taesd', ...options });
  try {
    const { data } = await model.decode(LATENTS, { output: 'tensor' });
    return { numbers: [...data], note: model.info.weightsNote, parts: model.info.parts };
  } finally {
    model.dispose();
  }
}

const failure = (work: Promise<unknown>): Promise<TaesdError> =>
  work.then(
    () => expect.unreachable('nothing was thrown'),
    (error: unknown) => {
      expect(error).toBeInstanceOf(TaesdError);
      return error as TaesdError;
    },
  );

async function expectFailure(work: Promise<unknown>, code: ErrorCode, message: string) {
  const error = await failure(work);
  expect(error.message).toBe(message);
  expect(error.code).toBe(code);
}

describe('names', () => {
  test.each([
    ['_orig_mod.'],
    ['module.'],
    ['vae.'],
    ['tae.'],
    ['first_stage_model.'],
    ['module._orig_mod.'],
    ['my.own_wrapper.0.'],
    ['decoder.'],
    ['module.decoder.'],
    ['first_stage_model.taesd_decoder.'],
  ])('prefix %s → as without it', async (prefix) => {
    const { numbers } = await right;
    const bytes = writeSafetensors(renamed(DECODER, (name) => prefix + name));
    expect(await read(bytes)).toEqual({ numbers, note: undefined });
  });

  test("a prefix before diffusers' names of both halves → as without it", async () => {
    const { numbers } = await right;
    const both = [
      ...renamed(ENCODER, (name) => `vae.encoder.layers.${name}`),
      ...renamed(DECODER, (name) =>
        name.replace(/^\d+/, (layer) => `vae.decoder.layers.${Number(layer) - 1}`),
      ),
    ];
    expect(await read(writeSafetensors(both))).toEqual({ numbers, note: undefined });
    const { encoder } = (
      await loadWeights(VARIANTS.taesd, ['encoder', 'decoder'], { weights: writeSafetensors(both) })
    ).tensors;
    expect([...(encoder?.keys() ?? [])]).toEqual([...ENCODER.keys()]);
  });

  test('spare tensors, of any type → read, and named in a note', async () => {
    const { numbers } = await right;
    const one = { shape: [1], data: Float32Array.of(1) };
    const spare = writeSafetensors([...DECODER, ['lora.up.weight', one], ['20.weight', one]]);
    const note = 'spare tensors are not used: lora.up.weight, 20.weight';
    expect(await read(spare)).toEqual({ numbers, note });
    const file = readSafetensors(PLAIN);
    let end = 0;
    const entries = [...file.tensors].map(([name, { dtype, shape, bytes }]) => {
      end += bytes.length;
      return entry(name, dtype, [...shape], [end - bytes.length, end]);
    });
    const header = `{${[...entries, entry('scales', 'F4', [3], [end, end + 2])].join(',')}}`;
    const data = Buffer.concat([...file.tensors.values()].map(({ bytes }) => bytes));
    const packed = rawFile(header, Buffer.concat([data, Buffer.of(1, 2)]));
    expect(await read(packed)).toEqual({ numbers, note: 'spare tensors are not used: scales' });
  });

  test('a tensor missing beside a spare one → SHAPE naming both', async () => {
    const tensors = renamed(DECODER, (name) => (name === '19.bias' ? '19.bais' : name));
    const missing = '"decoder 19.bias" expected shape [3], got no such tensor';
    const extra = '"decoder 19.bais" expected no such tensor, got shape [3]';
    await expectFailure(read(writeSafetensors(tensors)), 'SHAPE', `${missing}; ${extra}`);
    const other = renamed(DECODER, (name) => (name === '19.bias' ? 'bias' : name));
    const message = `${missing}; spare in the file: bias`;
    await expectFailure(read(writeSafetensors(other)), 'SHAPE', message);
  });

  test('a tensor that would change a layer → SHAPE', async () => {
    const skip = { shape: [64, 64, 1, 1], data: new Float32Array(64 * 64) };
    const bytes = writeSafetensors([...DECODER, ['18.skip.weight', skip]]);
    const message = '"decoder 18.skip.weight" expected no such tensor, got shape [64,64,1,1]';
    await expectFailure(read(bytes), 'SHAPE', message);
  });

  test('two models in one file → SHAPE; one of them broken → the other', async () => {
    const twice = [
      ...renamed(DECODER, (name) => `params.${name}`),
      ...renamed(DECODER, (name) => `params_ema.${name}`),
    ];
    const rule = 'the tensors of the decoder once';
    const message = `"tensor names" expected ${rule}, got params.1.weight and params_ema.1.weight`;
    const hint = '(a checkpoint of several models? save one of them)';
    await expectFailure(read(writeSafetensors(twice)), 'SHAPE', `${message} ${hint}`);
    const { numbers } = await right;
    const found = await read(writeSafetensors(twice.slice(1)));
    expect(found.numbers).toEqual(numbers);
    expect(found.note).toMatch(/^spare tensors are not used: params\.1\.bias, .* and 61 more$/);
  });

  test('a full VAE, a text encoder → SHAPE with the names there should be', async () => {
    const one = { shape: [1], data: Float32Array.of(1) };
    for (const name of [
      'first_stage_model.decoder.up.0.block.0.conv1.weight',
      'text_model.encoder.layers.0.self_attn.q_proj.weight',
      'decoder.mid_block.attentions.0.to_out.0.weight',
    ]) {
      const error = await failure(read(writeSafetensors([[name, one]])));
      expect(error.code).toBe('SHAPE');
      expect(error.message).toContain(`got ${name} (another model, or a full VAE?)`);
    }
  });
});

describe('types', () => {
  const stored = (
    dtype: string,
    size: number,
    write: (view: DataView, at: number, x: number) => void,
  ) => {
    let end = 0;
    const entries: string[] = [];
    const parts = [...DECODER].map(([name, { shape, data }]) => {
      const bytes = new Uint8Array(size * data.length);
      const view = new DataView(bytes.buffer);
      for (const [i, x] of data.entries()) write(view, size * i, x);
      entries.push(entry(name, dtype, [...shape], [end, end + bytes.length]));
      end += bytes.length;
      return bytes;
    });
    return rawFile(`{${entries.join(',')}}`, Buffer.concat(parts));
  };

  test('F64 → as F32; past the range of f32 → NONFINITE', async () => {
    const f64 = stored('F64', 8, (view, i, x) => view.setFloat64(i, x, true));
    expect((await read(f64)).numbers).toEqual((await right).numbers);
    const huge = stored('F64', 8, (view, i) => view.setFloat64(i, 1e39, true));
    const error = await failure(read(huge));
    expect(error.code).toBe('NONFINITE');
    expect(error.message).toContain('"decoder 1.weight" expected finite numbers, got Infinity');
  });

  test('F8_E5M2, F8_E4M3 → as their values in F32', async () => {
    // 0x34 is 0.25 in E5M2, 0x28 in E4M3.
    const quarters = stored('F32', 4, (view, i) => view.setFloat32(i, 0.25, true));
    const { numbers } = await read(quarters);
    for (const [dtype, bits] of [
      ['F8_E5M2', 0x34],
      ['F8_E4M3', 0x28],
    ] as const) {
      const f8 = stored(dtype, 1, (view, i) => view.setUint8(i, bits));
      expect((await read(f8)).numbers, dtype).toEqual(numbers);
    }
  });
});

describe('channels last', () => {
  /** Moves the axes of convolutions. `to[i]` is PyTorch's axis that comes at place i. */
  const moved = (to: readonly number[]) =>
    [...DECODER].map(([name, { shape, data }]): [string, Tensor] => {
      if (shape.length !== 4) return [name, { shape, data }];
      const sizes = to.map((axis) => shape[axis]);
      const out = new Float32Array(data.length);
      const [, s1, s2, s3] = [0, ...shape.slice(1)].map((_, i) =>
        shape.slice(i + 1).reduce((a, b) => a * b, 1),
      );
      const own = [shape[1] * s1, s1, s2, s3];
      let at = 0;
      for (let a = 0; a < sizes[0]; a++) {
        for (let b = 0; b < sizes[1]; b++) {
          for (let c = 0; c < sizes[2]; c++) {
            for (let d = 0; d < sizes[3]; d++) {
              out[at++] = data[a * own[to[0]] + b * own[to[1]] + c * own[to[2]] + d * own[to[3]]];
            }
          }
        }
      }
      return [name, { shape: sizes, data: out }];
    });

  test.each([
    ['MLX', [0, 2, 3, 1], 'out, height, width, in'],
    ['TensorFlow', [2, 3, 1, 0], 'height, width, in, out'],
  ] as const)('%s → converted, and said', async (_, order, words) => {
    const { numbers } = await right;
    const note = `the decoder has channels last (${words}) and was converted`;
    expect(await read(writeSafetensors(moved(order)))).toEqual({ numbers, note });
    writeFileSync(at('last.safetensors'), writeSafetensors(moved(order)));
    const { stdout } = command(['inspect', at('last.safetensors')]);
    expect(stdout.split('\n')[1]).toBe('decoder     fits taesd and taesdxl, 4 latent channels');
    expect(stdout).toContain(`note        the decoder has channels last (${words})`);
  });

  test('one convolution in another order than the rest → SHAPE', async () => {
    const mixed = moved([0, 2, 3, 1]).map(([name, tensor]): [string, Tensor] =>
      name === '7.weight' ? [name, DECODER.get(name) as Tensor] : [name, tensor],
    );
    const error = await failure(read(writeSafetensors(mixed)));
    expect(error.code).toBe('SHAPE');
    expect(error.message).toContain('"decoder 1.weight" expected shape [64,4,3,3], got [64,3,3,4]');
  });
});

describe('.pth', () => {
  const pth = pthOf(DECODER);

  test('bytes, a file, a URL, a folder of halves, one file for both → as safetensors', async () => {
    const { numbers } = await right;
    expect(await read(pth)).toEqual({ numbers, note: undefined });
    expect(await read({ decoder: pth })).toEqual({ numbers, note: undefined });
    writeFileSync(at('any.pth'), pth);
    expect((await read(at('any.pth'))).numbers).toEqual(numbers);
    expect((await read(pathToFileURL(at('any.pth')))).numbers).toEqual(numbers);
    mkdirSync(at('halves'));
    writeFileSync(at('halves/taesd_decoder.pth'), pth);
    writeFileSync(at('halves/taesd_encoder.pth'), pthOf(ENCODER));
    const both = pthOf([
      ...renamed(ENCODER, (name) => `encoder.${name}`),
      ...renamed(DECODER, (name) => `decoder.${name}`),
    ]);
    mkdirSync(at('one'));
    writeFileSync(at('one/taesd.pth'), both);
    const { numbers: pixels } = await decode({ weights: PLAIN, only: 'decoder' });
    for (const weights of [at('halves'), at('one')]) {
      const parts = ['encoder', 'decoder'];
      expect(await decode({ weights })).toEqual({ numbers: pixels, note: undefined, parts });
    }
  });

  test('a checkpoint of training: state_dict, module. → as the state alone', async () => {
    const { numbers } = await right;
    const wrapped = pthOf(renamed(DECODER, (name) => `state_dict.module.${name}`));
    expect(await read(wrapped)).toEqual({ numbers, note: undefined });
  });

  test('integers beside the weights, which no layer needs → spare', async () => {
    const { numbers } = await right;
    const stored = Object.fromEntries(
      [...DECODER].map(([name, tensor]): [string, StoredTensor] => [
        name,
        { dtype: 'F32', shape: tensor.shape, bytes: bytesOf(tensor) },
      ]),
    );
    const step = { dtype: 'I64', shape: [1], bytes: new Uint8Array(8) };
    const note = 'spare tensors are not used: 3.step';
    expect(await read(fileOfTensors({ ...stored, '3.step': step }))).toEqual({ numbers, note });
  });

  test('inspect: a .pth → as safetensors; spare tensors and a prefix → named', () => {
    const one = { shape: [1], data: Float32Array.of(1) };
    writeFileSync(
      at('wrapped.pth'),
      pthOf([...renamed(DECODER, (name) => `module.${name}`), ['step', one]]),
    );
    const { code, stdout } = command(['inspect', at('wrapped.pth')]);
    expect(code).toBe(0);
    expect(stdout.split('\n').slice(0, 6)).toEqual([
      'kind        weights of TAESD, the original layout',
      'decoder     fits taesd and taesdxl, 4 latent channels',
      'parameters  1,222,531',
      'types       F32 (68 tensors)',
      'prefix      module.',
      'spare       step',
    ]);
  });

  test('decode: FILE.pth → a picture; spare tensors → in info and on stderr', async () => {
    const one = { shape: [1], data: Float32Array.of(1) };
    writeFileSync(at('spare.pth'), pthOf([...DECODER, ['step', one]]));
    const note = 'spare tensors are not used: step';
    expect((await decode({ weights: at('spare.pth'), only: 'decoder' })).note).toBe(note);
    writeFileSync(at('z.safetensors'), writeSafetensors([['latents', LATENTS]]));
    const args = ['decode', at('z.safetensors'), '-o', at('z.png'), '--model', 'taesd'];
    const { code, stderr } = command([...args, '--weights', at('spare.pth')]);
    expect(code).toBe(0);
    expect(stderr).toContain(`taesd: note: weights: ${note}\n`);
  });

  test('cut anywhere → typed errors; a good file is read after', async () => {
    for (const part of [0.1, 0.5, 0.9, 0.9999]) {
      const error = await failure(read(pth.subarray(0, part * pth.length)));
      expect(error.code).toBe('TRUNCATED');
    }
    expect((await read(pth)).numbers).toEqual((await right).numbers);
  });

  testShared(
    'the corpus, 292 files → TaesdError for each: none has the weights of a model',
    async () => {
      const names = Object.keys(
        JSON.parse(new TextDecoder().decode(sharedFile('pth/expected.json'))),
      );
      const codes = new Map<string, number>();
      for (const name of names) {
        const { code } = await failure(read(sharedFile(`pth/${name}`)));
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      expect([...codes.values()].reduce((a, b) => a + b)).toBe(292);
      expect([...codes.keys()].filter((code) => code === 'OOM' || code === 'ARG')).toEqual([]);
    },
  );
});

describe('hostile names', () => {
  const files: [string, string[], ErrorCode][] = [
    [
      '16,384 prefixes',
      Array.from({ length: 16_384 }, (_, i) => `x${i}.0.encoder.1.weight`),
      'SHAPE',
    ],
    ['16,385 tensors', Array.from({ length: 16_385 }, (_, i) => `${i}`), 'LIMIT'],
    ['a name of 4 MB with dots', [`${'1.'.repeat(2_000_000)}weight`], 'SHAPE'],
    ['a name of 4 MB that ends like one', [`${'a'.repeat(4_000_000)}.decoder.1.weight`], 'SHAPE'],
    ['names of JavaScript', ['__proto__.1.weight', 'constructor.0.weight'], 'SHAPE'],
  ];
  test.each(files)('%s → a typed error within a second', async (_, names, code) => {
    const header = names.map((name) => entry(name, 'F32', [0], [0, 0]));
    const bytes = rawFile(`{${header.join(',')}}`);
    const before = processorMs();
    const error = await failure(read(bytes));
    const ms = processorMs() - before;
    expect(error.code).toBe(code);
    expect(error.message.length).toBeLessThan(1000);
    expect(ms).toBeLessThan(1000);
  });

  test('a .pth whose tensors repeat one number, far larger than the file → LIMIT', async () => {
    const shape = [128, 128];
    const many = Array.from(
      { length: 40 },
      (_, i) => [`${i}.weight`, tensor({ key: '0', count: 1, shape, strides: [0, 0] })] as const,
    );
    const bytes = torchFile(pickle(dict(...many)), [new Uint8Array(4)]);
    const error = await failure(read(bytes));
    expect(error.code).toBe('LIMIT');
    expect(error.message).toContain('"tensors" expected at most ');
  });
});

describe('other models', () => {
  const load = (weights: WeightSource, model: ModelName, half: Half) => read(weights, half, model);

  for (const [file, half] of [
    ['taesana_encoder', 'encoder'],
    ['taef2_encoder', 'encoder'],
    ['taef2_decoder', 'decoder'],
  ] as const) {
    test(`${file}.pth of upstream, as taesd → its name`, async ({ skip }) => {
      if (!sharedIsThere) skip(SHARED_ABSENT);
      const name = file.split('_')[0];
      const error = await failure(load(sharedPath(`weights/${file}.pth`), 'taesd', half));
      expect(error.code).toBe('SHAPE');
      expect(error.message).toContain(`(weights of ${name}?)`);
    });
  }

  const zeros = (shape: number[]): Tensor => ({
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b)),
  });

  test.each([
    [
      'taehv1_5, for HunyuanVideo 1.5',
      'encoder',
      32,
      [
        ['encoder.0.weight', 64, 12],
        ['encoder.4.conv.0.weight', 64, 128],
        ['encoder.17.weight', 32, 64],
      ],
    ],
    [
      'taeh3 without its memory',
      'decoder',
      24,
      [
        ['1.weight', 256, 24],
        ['3.conv.0.weight', 256, 256],
      ],
    ],
    [
      'taew2_2_super',
      'decoder',
      48,
      [
        ['decoder.0.weight', 512, 48],
        ['decoder.1.conv.0.weight', 1024, 1],
      ],
    ],
    [
      'taesdv',
      'decoder',
      4,
      [
        ['decoder.1.weight', 64, 4],
        ['decoder.3.conv.0.weight', 64, 128],
      ],
    ],
  ] as const)(
    'the marks of %s, its %s → UNSUPPORTED with its name',
    async (name, half, _, marks) => {
      const bytes = writeSafetensors(
        marks.map(([key, cout, cin]) => [key, zeros([cout, cin, 3, 3])] as const),
      );
      const error = await failure(load(bytes, 'taesd3', half));
      expect(error.code).toBe('UNSUPPORTED');
      expect(error.message).toContain(`expected those of taesd3, got those of ${name}`);
    },
  );

  test('models that share their encoder → the name of the decoder', async () => {
    const bytes = writeSafetensors([
      ['encoder.0.weight', zeros([64, 12, 3, 3])],
      ['encoder.4.conv.0.weight', zeros([64, 128, 3, 3])],
      ['encoder.17.weight', zeros([48, 64, 3, 3])],
      ['decoder.0.weight', zeros([512, 48, 1, 1])],
      ['decoder.1.conv.0.weight', zeros([1024, 1, 7, 7])],
    ]);
    const weights = loadWeights(VARIANTS.taesd, ['encoder', 'decoder'], { weights: bytes });
    const message =
      '"weights" expected those of taesd, got those of taew2_2_super, for Wan 2.2 TI2V 5B, ' +
      'a video model (not supported yet)';
    await expectFailure(weights, 'UNSUPPORTED', message);
  });

  test('a supported model under the name of another → SHAPE with the models that it may be', async () => {
    const message =
      '"decoder 1.weight" expected shape [64,16,3,3], got [64,4,3,3] (weights of taesd or taesdxl?)';
    await expectFailure(load(pthOf(DECODER), 'taef1', 'decoder'), 'SHAPE', message);
  });
});
