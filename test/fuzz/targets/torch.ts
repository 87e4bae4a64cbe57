import { readLatents } from '../../../src/formats/index.ts';
import { readTorch } from '../../../src/torch/read-torch.ts';
import { tensorsOf } from '../../../src/torch/tensors-of.ts';
import { isTorchTensor, type TorchValue } from '../../../src/torch/values.ts';
import { readTorchWeights } from '../../../src/weights/from-torch.ts';
import { LATENT_CASES } from '../../formats/latent-cases.ts';
import {
  call,
  dict,
  fileOfTensors,
  int,
  ORDERED_DICT,
  pickle,
  tensor,
  text,
  torchFile,
  tuple,
} from '../../torch/build-torch.ts';
import { havoc } from '../havoc.ts';
import { outcomeOf, outcomeOfAsync } from '../outcome.ts';
import { mutatePickle, someOpcode } from '../pickle.ts';
import type { Random } from '../random.ts';
import { type Target, WrongResult } from '../target.ts';
import { archiveOf, changeParts, partEnding, partsOf, smallerZip } from '../zip-parts.ts';

const DTYPES = ['F32', 'F16', 'BF16', 'F64', 'I64'] as const;

function someTensor(random: Random, key: string): Uint8Array {
  const shape = Array.from({ length: random.below(5) }, () => random.pick([1, 2, 3, 4, 0]));
  const strides = shape.map(() => random.pick([0, 1, 2, 4, 8]));
  const reach = shape.reduce((sum, size, i) => sum + Math.max(0, size - 1) * strides[i], 1);
  const offset = random.oneIn(3) ? random.below(4) : 0;
  const count = reach + offset + (random.oneIn(4) ? random.below(5) - 2 : 0);
  return tensor({
    dtype: random.pick(DTYPES),
    key,
    count: Math.max(0, count),
    shape,
    strides,
    offset,
  });
}

function someValue(random: Random, depth: number): Uint8Array {
  switch (random.below(depth > 3 ? 3 : 7)) {
    case 0:
      return int(random.small(2 ** 40));
    case 1:
      return text(`${random.small(1000)}`);
    case 2:
    case 3:
      return someTensor(random, `${random.below(3)}`);
    case 4:
      return tuple(...Array.from({ length: random.below(4) }, () => someValue(random, depth + 1)));
    case 5:
      return call(
        'torch._utils',
        '_rebuild_parameter',
        someTensor(random, '0'),
        Uint8Array.of(0x89),
        ORDERED_DICT,
      );
    default:
      return someDict(random, depth + 1);
  }
}

const KEYS = ['samples', 'latents', 'state_dict', '1.weight', '0.weight', 'x', '__proto__', ''];

function someDict(random: Random, depth: number): Uint8Array {
  return dict(
    ...Array.from({ length: random.below(4) }, (_, i) => {
      return [`${random.pick(KEYS)}${i === 0 ? '' : i}`, someValue(random, depth)] as const;
    }),
  );
}

function someFile(random: Random): Uint8Array {
  const root = random.oneIn(8)
    ? pickle(...Array.from({ length: random.small(60) }, () => someOpcode(random)))
    : pickle(random.oneIn(3) ? someTensor(random, '0') : someDict(random, 0));
  return torchFile(
    root,
    Array.from({ length: 3 }, () => random.bytes(random.small(400))),
  );
}

function mutate(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  const parts = random.oneIn(12) ? undefined : partsOf(input);
  if (parts === undefined) return havoc(random, input, { other });
  if (random.oneIn(4)) {
    changeParts(random, parts, partsOf(other) ?? parts);
    return archiveOf(random, parts);
  }
  const at = random.oneIn(8) ? random.below(parts.length) : partEnding(parts, 'data.pkl');
  if (at < 0) return havoc(random, input, { other });
  const { content = new Uint8Array(0) } = parts[at];
  parts[at] = { ...parts[at], content: mutatePickle(random, content) };
  return archiveOf(random, parts);
}

/** Walks a value with plain recursion, as programs may. */
function countOf(value: TorchValue): number {
  if (typeof value !== 'object' || value === null || isTorchTensor(value)) return 1;
  let count = 1;
  for (const one of value.values()) count += countOf(one);
  return count;
}

/** Reads the elements of a tensor one by one, and compares them with those of `read`. */
function readAll(file: ReturnType<typeof readTorch>): string {
  let outcome = '';
  for (const { tensor: one } of tensorsOf(file).slice(0, 4)) {
    outcome = outcomeOf(() => {
      const { shape, bytes, dtype } = one.read();
      const size = { F32: 4, F16: 2, BF16: 2, F64: 8 }[dtype] ?? 0;
      const count = shape.reduce((a, b) => a * b, 1);
      if (bytes.length !== count * size) throw new WrongResult(`${bytes.length} bytes`);
      return `${dtype} ${shape.length}`;
    });
  }
  return outcome;
}

/** Files of `torch.save`: weights, and latents. */
export const torch: Target = {
  name: 'torch',
  batch: 512,
  maxBytes: 16384,
  seeds: () => [
    ...LATENT_CASES.map(({ bytes }) => bytes).filter((bytes) => {
      return bytes[0] === 0x50 && Buffer.from(bytes).includes('data.pkl');
    }),
    ...[1, 2, 3].map((count) =>
      fileOfTensors(
        Object.fromEntries(
          Array.from({ length: count }, (_, i) => [
            `${i}.weight`,
            { dtype: 'F32', shape: [2, i + 1], bytes: new Uint8Array(8 * (i + 1)) },
          ]),
        ),
      ),
    ),
  ],
  generate: someFile,
  mutate,
  smaller: smallerZip,
  run(input) {
    const outcome = outcomeOf(() => {
      const file = readTorch(input);
      const count = countOf(file.root);
      const weights = outcomeOf(() => `${readTorchWeights(input).tensors.size > 0}`);
      return `${count > 3 ? 'many' : count} ${readAll(file)} ${weights}`;
    });
    if (!outcome.startsWith('ok') && input.length % 8 !== 0) return outcome;
    return outcomeOfAsync(async () => {
      const { source, latents } = await readLatents(input, { name: 'a.pt' });
      return `${source.replace(/".*"/, '""')} ${latents.shape[1]}`;
    });
  },
};
