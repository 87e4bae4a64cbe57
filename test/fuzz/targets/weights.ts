import { type LoadOptions, type ModelName, Taesd } from '../../../src/index.ts';
import type { Half } from '../../../src/model/layers.ts';
import { storedShapes } from '../../../src/model/stored.ts';
import { VARIANTS } from '../../../src/model/variants.ts';
import { narrowTo } from '../../../src/numbers/narrow.ts';
import { allJoined, utf8 } from '../../bytes.ts';
import { fileOfTensors } from '../../torch/build-torch.ts';
import { field, havoc } from '../havoc.ts';
import { outcomeOfAsync } from '../outcome.ts';
import { Random } from '../random.ts';
import { read, shown, smallerJson, written } from '../recipe.ts';
import { type Target, WrongResult } from '../target.ts';

/*
 * Files of weights are some MB, so an input is the recipe of one: a model, a layout, and what is
 * wrong with it.
 */

type Container = 'safetensors' | 'torch';
type Dtype = 'F32' | 'F16' | 'BF16' | 'F64';
type Layout = 'original' | 'diffusers' | 'ComfyUI' | 'both';

interface Recipe {
  readonly model: ModelName;
  readonly half: Half;
  readonly container?: Container;
  readonly dtype?: Dtype;
  readonly layout?: Layout;
  readonly prefix?: string;
  /** The order of the axes of convolutions. */
  readonly axes?: readonly number[];
  readonly only?: Half;
  readonly given?: 'bytes' | 'half' | 'swapped' | 'twice';
  readonly edits?: readonly Edit[];
}

/** A change of one tensor, by its number. */
interface Edit {
  readonly kind: (typeof EDITS)[number];
  readonly tensor: number;
  readonly value?: number | string | readonly number[];
}

/** The first three do not change a number that is read. */
const EDITS = [
  ...['spare', 'move', 'scalar', 'drop', 'rename', 'shape', 'dtype', 'fill', 'number', 'cut'],
  ...['twin', 'damage', 'scale'],
] as const;

/** Small models first: weights of the others have 5 to 40 MB. */
const MODELS: readonly ModelName[] = [
  ...(['nano', 'taesd', 'taesd3', 'taef2', 'taesdxl', 'taef1', 'taew2_1', 'taesana'] as const),
];
const someModel = (random: Random): ModelName =>
  random.oneIn(12)
    ? random.pick(MODELS.slice(random.oneIn(8) ? 0 : 1, random.oneIn(8) ? 8 : 2))
    : 'nano';
const LAYOUTS: readonly Layout[] = ['original', 'original', 'diffusers', 'ComfyUI', 'both'];
const PREFIXES = [
  ...['', '', '', '_orig_mod.', 'module.', 'vae.', 'tae.', 'first_stage_model.', 'model.', 'x.'],
  ...['module._orig_mod.', 'state_dict.', 'a.b.c.d.e.f.g.', 'encoder.', 'decoder.', '0.', 'é.'],
  ...['taesd_', '__proto__.', 'decoder.layers.', '.', '..'],
];
const NAMES = [
  ...['0.weight', '1.weight', '99.weight', '1.conv.0.weight', 'vae_scale', 'vae_shift', 'x', ''],
  ...['1.conv.9.weight', '3.skip.weight', '-1.weight', '01.weight', '1.weight.weight', '999.bias'],
  ...[
    'decoder.0.weight',
    'taesd_encoder.0.weight',
    'constructor',
    '1000.weight',
    '1.',
    'a.1.weight',
  ],
  ...['decoder.conv_in.weight', 'quant_conv.weight', 'epoch', 'optimizer.state.0'],
];
const AXES = [
  ...[
    undefined,
    undefined,
    undefined,
    undefined,
    [0, 2, 3, 1],
    [2, 3, 1, 0],
    [1, 0, 2, 3],
    [3, 2, 1, 0],
  ],
] as const;

/** Numbers for all tensors: small, of both signs, never repeated in a tensor's own order. */
const NOISE_LENGTH = 2 ** 17 - 1;
let noise: Readonly<Record<Dtype, Uint8Array>> | undefined;
function noiseOf(dtype: Dtype): Uint8Array {
  if (noise === undefined) {
    const random = new Random(7, 7);
    // Exact in every type, so that all files of a model have the same numbers.
    const data = Float32Array.from(
      { length: 2 * NOISE_LENGTH },
      () => (random.below(128) - 64) / 1024,
    );
    const wide = new Uint8Array(Float64Array.from(data).buffer);
    const narrow = (type: 'F32' | 'F16' | 'BF16') => narrowTo(type, data);
    noise = { F32: narrow('F32'), F16: narrow('F16'), BF16: narrow('BF16'), F64: wide };
  }
  return noise[dtype];
}
const BYTES = { F32: 4, F16: 2, BF16: 2, F64: 8 } as const;

interface Made {
  name: string;
  dtype: string;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** The tensors of a half under their names in the original layout. */
const tensorsOf = (
  model: ModelName,
  half: Half,
): { layer: number; inner: string; shape: readonly number[] }[] =>
  storedShapes(VARIANTS[model], half).flatMap((shapes, layer) =>
    [...shapes].map(([inner, shape]) => ({ layer, inner, shape })),
  );

/** Returns so many numbers of a type from the noise, from a place that depends on the tensor. */
function numbersOf(dtype: Dtype, count: number, seed: number): Uint8Array {
  const source = noiseOf(dtype);
  const size = BYTES[dtype];
  const from = ((seed * 4099) % NOISE_LENGTH) * size;
  if (count <= NOISE_LENGTH) return source.subarray(from, from + count * size);
  const bytes = new Uint8Array(count * size);
  const piece = source.subarray(0, NOISE_LENGTH * size);
  for (let at = 0; at < bytes.length; at += piece.length) {
    bytes.set(piece.subarray(0, Math.min(piece.length, bytes.length - at)), at);
  }
  return bytes;
}

function nameOf(layout: Layout, half: Half, layer: number, inner: string): string {
  const shift = layout === 'diffusers' && half === 'decoder' ? 1 : 0;
  const prefix = {
    original: '',
    both: `${half}.`,
    diffusers: `${half}.layers.`,
    ComfyUI: `taesd_${half}.`,
  }[layout];
  return `${prefix}${layer - shift}.${inner}`;
}

/** Makes the bytes of a file. */
function fileOf(recipe: Recipe): Uint8Array {
  const { model, half, container, dtype = 'F32', layout = 'original', prefix = '', axes } = recipe;
  const halves: readonly Half[] = layout === 'both' ? ['encoder', 'decoder'] : [half];
  const made = halves.flatMap((one) =>
    tensorsOf(model, one).map(({ layer, inner, shape }, i): Made => {
      const count = shape.reduce((a, b) => a * b, 1);
      const order = axes !== undefined && shape.length === 4 ? axes : undefined;
      const own = order === undefined ? shape : order.map((axis) => shape[axis]);
      const name = prefix + nameOf(layout, one, layer, inner);
      return {
        name,
        dtype,
        shape: own,
        bytes: numbersOf(dtype, count, i + (one === 'encoder' ? 0 : 100)),
      };
    }),
  );
  const later: ((file: Uint8Array) => Uint8Array)[] = [];
  for (const edit of recipe.edits ?? []) applyEdit(made, edit, later);
  let file = container === 'torch' ? torchOf(made) : safetensorsOf(made);
  for (const change of later) file = change(file);
  return file;
}

function torchOf(made: readonly Made[]): Uint8Array {
  const known = made.filter(({ dtype }) => dtype in BYTES || dtype === 'I64');
  return fileOfTensors(Object.fromEntries(known.map(({ name, ...one }) => [name, one])));
}

function safetensorsOf(made: readonly Made[]): Uint8Array {
  let at = 0;
  const entries = made.map(({ name, dtype, shape, bytes }) => {
    const entry = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
    return `${JSON.stringify(name)}:${JSON.stringify(entry)}`;
  });
  const header = utf8(`{${entries.join(',')}}`);
  return allJoined([field(header.length, 8, true), header, ...made.map(({ bytes }) => bytes)]);
}

function applyEdit(
  made: Made[],
  { kind, tensor, value = 0 }: Edit,
  later: ((file: Uint8Array) => Uint8Array)[],
): void {
  const at = made.length > 0 ? tensor % made.length : 0;
  const one = made[at] ?? { name: 'x', dtype: 'F32', shape: [1], bytes: new Uint8Array(4) };
  const number = typeof value === 'number' ? value : 0;
  const word = typeof value === 'string' ? value : `${number}`;
  const f32 = (...numbers: number[]): Uint8Array =>
    new Uint8Array(Float32Array.from(numbers).buffer);
  switch (kind) {
    case 'spare':
      made.push({ name: `spare.${word}`, dtype: 'I64', shape: [1], bytes: new Uint8Array(8) });
      return;
    case 'move':
      made.push(...made.splice(at, 1));
      return;
    case 'scalar':
      made.push({ name: 'vae_scale', dtype: 'F32', shape: [1], bytes: f32(0.18215) });
      return;
    case 'drop':
      made.splice(at, 1 + (number % 3));
      return;
    case 'rename':
      if (made[at]) made[at] = { ...one, name: word };
      return;
    case 'shape':
      if (made[at] && Array.isArray(value)) made[at] = { ...one, shape: value };
      return;
    case 'dtype':
      if (made[at]) made[at] = { ...one, dtype: word };
      return;
    case 'fill': {
      if (!made[at] || one.dtype !== 'F32') return;
      const filled = new Float32Array(one.bytes.length / 4).fill(number);
      made[at] = { ...one, bytes: new Uint8Array(filled.buffer) };
      return;
    }
    case 'scale': {
      const scaled = new Float32Array(one.bytes.slice().buffer).map((x) => x * number);
      if (made[at] && one.dtype === 'F32')
        made[at] = { ...one, bytes: new Uint8Array(scaled.buffer) };
      return;
    }
    case 'number': {
      if (!made[at] || one.dtype !== 'F32') return;
      const bytes = one.bytes.slice();
      bytes.set(
        f32(Array.isArray(value) ? Number(value[0]) : Number(word)),
        (tensor * 4) % bytes.length,
      );
      made[at] = { ...one, bytes };
      return;
    }
    case 'cut': {
      // A storage of torch's has whole elements.
      const end = (number % (one.bytes.length + 1)) & ~7;
      if (made[at]) made[at] = { ...one, bytes: one.bytes.subarray(0, end) };
      return;
    }
    case 'twin':
      made.push({ ...one, name: `${word}${one.name}` });
      return;
    case 'damage':
      later.push((file) => havoc(new Random(number, tensor), file, { changes: 3 }));
      return;
  }
}

function someEdit(random: Random): Edit {
  const kind = random.pick(EDITS);
  const tensor = random.below(300);
  const odd = random.pick([0, -0, 1, 1e38, -1e38, 1e-45, 1e30, 65504, 100, -3, 1e10]);
  const value = {
    ...{
      spare: `${random.below(9)}`,
      move: 0,
      scalar: 0,
      drop: random.small(90),
      cut: random.small(1e5),
    },
    ...{
      rename: random.pick(NAMES),
      shape: someShape(random),
      fill: odd,
      scale: odd,
      damage: random.below(2 ** 31),
    },
    dtype: random.pick(['F16', 'F64', 'I64', 'F8_E4M3', 'F8_E5M2', 'BOOL', 'X', 'BF16']),
    number: random.pick(['NaN', 'Infinity', '-Infinity', '1e38', '0', '-1e38', '1e-40', '3e4']),
    twin: random.pick(PREFIXES),
  }[kind];
  return { kind, tensor, value };
}

const someShape = (random: Random): number[] =>
  Array.from({ length: random.below(6) }, () => random.pick([1, 3, 4, 16, 32, 64, 48, 0, 9, 128]));

const EDITED = 3;

function someRecipe(random: Random): Recipe {
  const count = random.oneIn(EDITED) ? 0 : 1 + random.small(4);
  return {
    model: someModel(random),
    half: random.pick(['encoder', 'decoder']),
    ...(random.oneIn(3) ? { container: 'torch' } : {}),
    ...(random.oneIn(3) ? { dtype: random.pick(['F16', 'BF16', 'F64'] as const) } : {}),
    layout: random.pick(LAYOUTS),
    prefix: random.pick(PREFIXES),
    ...(random.oneIn(3) ? { axes: random.pick(AXES.slice(4)) as readonly number[] } : {}),
    ...(random.oneIn(6) ? { only: random.pick(['encoder', 'decoder'] as const) } : {}),
    ...(random.oneIn(3) ? { given: random.pick(['half', 'swapped', 'twice'] as const) } : {}),
    edits: Array.from({ length: count }, () => someEdit(random)),
  };
}

function optionsOf(recipe: Recipe): LoadOptions {
  const { model, half, only, given = 'bytes' } = recipe;
  const bytes = fileOf(recipe);
  const other = half === 'encoder' ? 'decoder' : 'encoder';
  const weights = {
    bytes,
    half: { [half]: bytes },
    swapped: { [other]: bytes },
    twice: { encoder: bytes, decoder: bytes },
  }[given];
  const loaded = given === 'bytes' && recipe.layout === 'both' ? {} : { only: half };
  return { model, weights, workers: 0, ...loaded, ...(only === undefined ? {} : { only }) };
}

/** The results of unchanged weights, by model and half: those of the first file of them. */
const results = new Map<string, string>();

/** Runs each loaded half on the smallest input. */
async function use(taesd: Taesd, recipe: Recipe): Promise<string> {
  const { parts, model } = taesd.info;
  const { latentChannels, downscale, pictureChannels } = VARIANTS[model];
  // Turned square kernels fit, and are other weights.
  const isTurned =
    recipe.axes !== undefined || recipe.prefix === 'encoder.' || recipe.prefix === 'decoder.';
  const isSound = !isTurned && (recipe.edits ?? []).every(({ kind }) => EDITS.indexOf(kind) < 3);
  for (const part of parts) {
    const [data, wanted] =
      part === 'decoder'
        ? [await decoded(taesd, latentChannels), 4 * downscale ** 2]
        : [await encoded(taesd, downscale, pictureChannels), latentChannels];
    if (data.length !== wanted) throw new WrongResult(`${data.length} numbers, expected ${wanted}`);
    if (!isSound) continue;
    const key = `${recipe.model} ${part}`;
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
    const known = results.get(key) ?? text;
    results.set(key, known);
    if (text !== known) throw new WrongResult(`${key}: other numbers than those of another layout`);
  }
  return `${parts} ${taesd.info.weightsNote === undefined}`;
}

async function decoded(taesd: Taesd, channels: number): Promise<Uint8ClampedArray> {
  const data = Float32Array.from({ length: channels }, (_, i) => (i % 5) / 2 - 1);
  return (await taesd.decode({ shape: [1, channels, 1, 1], data })).data;
}

async function encoded(taesd: Taesd, size: number, channels: number): Promise<Float32Array> {
  const data = Uint8Array.from({ length: size * size * channels }, (_, i) => (i * 37) % 256);
  // Weights that are sound and large may give infinity, which is what they compute.
  return (await taesd.encode({ width: size, height: size, data })).data;
}

/** Files of weights of every layout, and damaged ones, loaded and run once. */
export const weights: Target = {
  name: 'weights',
  batch: 16,
  // Weights of ten million numbers are packed for the kernels in 0.4 s.
  maxMs: 5000,
  seeds: () => [
    ...MODELS.slice(0, 4).flatMap((model) =>
      (['encoder', 'decoder'] as const).map((half) => written({ model, half } satisfies Recipe)),
    ),
    ...LAYOUTS.map((layout) =>
      written({ model: 'nano', half: 'decoder', layout } satisfies Recipe),
    ),
  ],
  generate: (random) => written(someRecipe(random)),
  mutate(random, input, other) {
    const [own, second] = [read<Recipe>(input), read<Recipe>(other)];
    const fresh = someRecipe(random);
    if (own === undefined || second === undefined) return written(fresh);
    const edits = [...(own.edits ?? [])];
    const way = random.below(4);
    if (way < 2) edits.push(someEdit(random));
    else if (way === 2) edits.push(...(second.edits ?? []));
    else edits.splice(random.below(edits.length + 1), 1);
    const key = random.pick(Object.keys(fresh)) as keyof Recipe;
    const changed = { ...own, [key]: fresh[key], edits: edits.slice(-6) };
    // Files of the other models take five times as long, mostly in the same code.
    return written(random.oneIn(5) ? changed : { ...changed, model: 'nano' });
  },
  smaller: smallerJson,
  show: shown,
  run(input) {
    const recipe = read<Recipe>(input);
    if (recipe === undefined || VARIANTS[recipe.model] === undefined) return 'no recipe';
    return outcomeOfAsync(async () => {
      const taesd = await Taesd.load(optionsOf(recipe));
      try {
        return await use(taesd, recipe);
      } finally {
        taesd.dispose();
      }
    });
  },
};
