import { readLatents } from '../../../src/formats/index.ts';
import { readNpy } from '../../../src/npy/npy.ts';
import { readNpz } from '../../../src/npy/npz.ts';
import { latin1 } from '../../bytes.ts';
import { npyByHand, npzByHand } from '../../formats/files-by-hand.ts';
import { LATENT_CASES } from '../../formats/latent-cases.ts';
import type { Part } from '../../zip/build-zip.ts';
import { field, havoc, oddNumber } from '../havoc.ts';
import { outcomeOf, outcomeOfAsync } from '../outcome.ts';
import type { Random } from '../random.ts';
import { type Target, WrongResult } from '../target.ts';
import { hasNumpy, numpyDiffers, type ReadArray } from '../with-numpy.ts';
import { archiveOf, changeParts, partsOf, smallerZip } from '../zip-parts.ts';

const DESCRS = [
  ...['<f4', '<f2', '<f8', '<i8', '<i4', '<i2', '|i1', '|u1', '<u2', '<u8', '|b1', '>f4', '|O'],
  ...['=f4', '<f16', '<c8', '|V2', '<U3', '|S4', '<m8[ns]', 'f4', '', '<f04', '>i1', '<b1', '|f4'],
];
const WORDS = [
  ...["'descr'", "'fortran_order'", "'shape'", ': ', ', ', '(', ')', '{', '}', 'True', 'False'],
  ...['[', ']', 'L', ',', "'", '"', '\\', '0', '1', ' ', '\n', '\0', '-1', '1e3', '0x1', '_'],
  ...DESCRS.map((one) => `'${one}'`),
].map((word) => latin1(word));

/** Makes a file from a header's text. */
function npyOf(text: string, data: Uint8Array, version = 1, lengthError = 0): Uint8Array {
  const width = version === 1 ? 2 : 4;
  const length = field(text.length + lengthError, width, true);
  return Uint8Array.of(...latin1('\x93NUMPY'), version, 0, ...length, ...latin1(text), ...data);
}

function someNpy(random: Random): Uint8Array {
  const descr = random.oneIn(3) ? random.pick(DESCRS) : random.pick(DESCRS.slice(0, 11));
  const shape = Array.from({ length: random.below(6) }, () => random.pick([1, 2, 3, 4, 0, 16]));
  const bytes = shape.reduce((a, b) => a * b, 1) * (Number(/\d+/.exec(descr)?.[0]) || 1);
  const order = random.oneIn(3) ? 'True' : 'False';
  const entries = [`'descr': '${descr}'`, `'fortran_order': ${order}`];
  const sizes = `(${shape.join(', ')}${shape.length === 1 || random.oneIn(4) ? ',' : ''})`;
  entries.splice(random.oneIn(4) ? random.below(3) : 2, 0, `'shape': ${sizes}`);
  const text = `{${entries.join(', ')}, }`;
  const version = random.oneIn(4) ? 1 + random.below(4) : 1;
  const padding = ' '.repeat(random.oneIn(2) ? 63 - ((10 + text.length) % 64) : random.below(4));
  const data = random.bytes(Math.min(4096, bytes));
  return npyOf(`${text}${padding}\n`, data, version, random.oneIn(12) ? oddNumber(random) : 0);
}

function mutateNpy(random: Random, input: Uint8Array, other: Uint8Array): Uint8Array {
  if (random.oneIn(5) || input[0] !== 0x93) return havoc(random, input, { other, words: WORDS });
  const version = input[6];
  const begin = version === 1 ? 10 : 12;
  const length = Math.min(input.length - begin, input[8] | (input[9] << 8));
  const header = input.subarray(begin, begin + length);
  let text = `${Buffer.from(header).toString('latin1')}`;
  const data = input.subarray(begin + length);
  switch (random.below(7)) {
    case 0:
      text = text.replace(/'descr': *'[^']*'/, `'descr': '${random.pick(DESCRS)}'`);
      break;
    case 1:
      text = text.replace(/True|False/, (one) => (one === 'True' ? 'False' : 'True'));
      break;
    case 2: {
      const size = random.oneIn(2) ? random.below(9) : oddNumber(random);
      text = text.replace(/(\d+)(?=,|\))/, `${size}`);
      break;
    }
    case 3:
      text = text.replace(/\((.*?)\)/, (_, inner: string) => {
        const sizes = inner.split(',').map((one) => one.trim());
        return `(${sizes.sort(() => random.next() - 0.5).join(', ')})`;
      });
      break;
    case 4:
      text = text.replace(/\(/, random.pick(['(1, ', '(0, ', '(2, ', '((', '( ']));
      break;
    default:
      return npyOf(
        Buffer.from(havoc(random, header, { words: WORDS })).toString('latin1'),
        data,
        version,
      );
  }
  return npyOf(text, random.oneIn(3) ? havoc(random, data) : data, version);
}

/** The files of the last executions that were read, to be compared with numpy's. */
let waiting: { input: Uint8Array; arrays: ReadArray[] }[] = [];
const MAX_WAITING = 3000;

function askNumpy(isLast: boolean): void {
  if (waiting.length < (isLast ? 1 : MAX_WAITING) || !hasNumpy()) return;
  const differs = numpyDiffers(waiting);
  const file = differs === undefined ? undefined : waiting[differs.at];
  waiting = [];
  if (file !== undefined) throw new WrongResult(`${differs?.text}`, file.input);
}

const keep = (input: Uint8Array, arrays: ReadArray[]): void => {
  if (waiting.length < MAX_WAITING) waiting.push({ input, arrays });
};

const found = (input: Uint8Array) =>
  outcomeOfAsync(async () => {
    const { source, latents, assumed } = await readLatents(input, { name: 'a_sdxl.npz' });
    return `${source.replace(/".*"/, '""')} ${latents.shape[1]} ${assumed.length}`;
  });

/** Arrays of numpy, compared with numpy if it is there; and as latents. */
export const npy: Target = {
  name: 'npy',
  batch: 1024,
  maxBytes: 8192,
  seeds: () => LATENT_CASES.map(({ bytes }) => bytes).filter(([first]) => first === 0x93),
  generate: someNpy,
  mutate: mutateNpy,
  run(input) {
    const outcome = outcomeOf(() => {
      const { dtype, shape, bytes } = readNpy(input);
      keep(input, [{ name: '', dtype, shape, bytes }]);
      return `${dtype} ${shape.length}`;
    });
    return outcome.startsWith('ok') || input.length % 8 === 0 ? found(input) : outcome;
  },
  check: askNumpy,
};

const NAMES = [
  ...[
    'latents.npy',
    'latents_2x2.npy',
    'latents_flipped.npy',
    'original_size.npy',
    'x.npy',
    'a.txt',
  ],
  ...[
    'latents_1x1.npy',
    'crop_ltrb.npy',
    'latents_sdxl.npy',
    '../x.npy',
    '/x.npy',
    'd/',
    'arr_0.npy',
  ],
];

function someNpz(random: Random): Uint8Array {
  const count = 1 + random.small(5);
  const parts = Array.from({ length: count }, (): Part => {
    const deflated = random.oneIn(2);
    return { name: random.pick(NAMES), content: someNpy(random), deflated };
  });
  return archiveOf(random, parts);
}

/** Archives of numpy, compared with numpy if it is there; and as latents. */
export const npz: Target = {
  name: 'npz',
  batch: 512,
  maxBytes: 16384,
  seeds: () => [
    ...LATENT_CASES.map(({ bytes }) => bytes).filter((bytes) => {
      return bytes[0] === 0x50 && Buffer.from(bytes).includes('.npy');
    }),
    npzByHand([['x', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }]] as never),
    npyByHand({ dtype: 'F32', shape: [2], bytes: new Uint8Array(8) } as never),
  ],
  generate: someNpz,
  mutate(random, input, other) {
    const parts = random.oneIn(10) ? undefined : partsOf(input);
    if (parts === undefined) return havoc(random, input, { other });
    const others = partsOf(other) ?? parts;
    for (let n = random.small(4); n >= 0; n--) {
      const at = random.below(parts.length);
      const { content = new Uint8Array(0) } = parts[at];
      if (random.oneIn(2)) changeParts(random, parts, others);
      else if (random.oneIn(4)) parts[at] = { ...parts[at], name: random.pick(NAMES) };
      else parts[at] = { ...parts[at], content: mutateNpy(random, content, content) };
    }
    return archiveOf(random, parts);
  },
  smaller: smallerZip,
  run(input) {
    const outcome = outcomeOf(() => {
      const arrays = readNpz(input);
      const kept: ReadArray[] = [];
      const read = [...arrays].slice(0, 5).map(([name, array]) =>
        outcomeOf(() => {
          const { dtype, shape, bytes } = array.read();
          kept.push({ name, dtype, shape, bytes });
          return dtype;
        }),
      );
      // numpy knows arrays by their content, not by their names, and reads all others as bytes.
      const isWhole = kept.length === partsOf(input)?.length;
      if (isWhole && kept.length > 0) keep(input, kept);
      return `${arrays.size} ${read[0]}`;
    });
    return outcome.startsWith('ok') || input.length % 8 === 0 ? found(input) : outcome;
  },
  check: askNumpy,
};
