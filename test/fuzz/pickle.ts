import { utf8 } from '../bytes.ts';
import { field, havoc, oddNumber, spliced } from './havoc.ts';
import type { Random } from './random.ts';

/*
 * Pickles as lists of opcodes. An opcode is its byte and the bytes of its argument.
 */

/** The argument of each opcode that has one: bytes, a length before text, or lines. */
const ARGUMENTS: Readonly<Record<string, number | 'u8' | 'u32' | 'u64' | 'line' | 'lines'>> = {
  ...{ K: 1, M: 2, J: 4, G: 8, q: 1, h: 1, r: 4, j: 4, '\x80': 1, '\x95': 8 },
  ...{ '\x8c': 'u8', X: 'u32', '\x8d': 'u64', '\x8a': 'u8', '\x8b': 'u32', c: 'lines', i: 'lines' },
  ...{ C: 'u8', B: 'u32', '\x8e': 'u64', S: 'line', V: 'line', I: 'line', L: 'line', F: 'line' },
};

/** Cuts a pickle into opcodes. The last one is what is left. */
function opcodesOf(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, opcodeEnd(bytes, at));
    found.push(bytes.slice(at, end));
    at = end;
  }
  return found;
}

function opcodeEnd(bytes: Uint8Array, at: number): number {
  const kind = ARGUMENTS[String.fromCharCode(bytes[at])];
  const line = (from: number): number => {
    const end = bytes.indexOf(10, from);
    return end < 0 ? bytes.length : end + 1;
  };
  const length = (width: number): number => {
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[at + 1 + i] ?? 0);
    return at + 1 + width + value;
  };
  switch (kind) {
    case undefined:
      return at + 1;
    case 'u8':
      return length(1);
    case 'u32':
      return length(4);
    case 'u64':
      return length(8);
    case 'line':
      return line(at);
    case 'lines':
      return line(line(at));
    default:
      return at + 1 + kind;
  }
}

const GLOBALS = [
  ...[
    'torch._utils\n_rebuild_tensor_v2',
    'torch._utils\n_rebuild_parameter',
    'torch\nFloatStorage',
  ],
  ...[
    'collections\nOrderedDict',
    'torch\nHalfStorage',
    'torch\nBFloat16Storage',
    'torch\nLongStorage',
  ],
  ...[
    'os\nsystem',
    'torch\nSize',
    'builtins\neval',
    'torch\n__proto__',
    'torch\nDoubleStorage',
    '\n',
  ],
  ...['torch.storage\nUntypedStorage', 'torch\nBoolStorage'],
];
const TEXTS = [
  ...[
    'storage',
    'cpu',
    '0',
    '1',
    '00',
    'state_dict',
    '1.weight',
    'samples',
    '__proto__',
    '-1',
    'é',
  ],
  ...['latents', '../0', 'cuda:0', '99999999999999999999999'],
];
/** Opcodes without an argument. */
const PLAIN = [...'()N\x88\x89]}tsuaebRQ.01\x85\x86\x87\x94\x93'];
const FOREIGN = [...'2PioUgplT\x81\x82\x83\x84\x92\x8f\x90\x91\x96\x97\x98~'];

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** Makes one opcode. */
export function someOpcode(random: Random): Uint8Array {
  switch (random.below(9)) {
    case 0:
      return latin1(`c${random.pick(GLOBALS)}\n`);
    case 1: {
      const text = utf8(random.pick(TEXTS));
      const [op, width] = random.pick([
        ['X', 4],
        ['\x8c', 1],
        ['\x8d', 8],
      ] as const);
      return Uint8Array.of(...latin1(op), ...field(text.length, width, true), ...text);
    }
    case 2: {
      const [op, width] = random.pick([
        ['K', 1],
        ['M', 2],
        ['J', 4],
        ['G', 8],
      ] as const);
      const value = random.oneIn(2) ? random.below(6) : oddNumber(random);
      return Uint8Array.of(...latin1(op), ...field(value, width, true));
    }
    case 3: {
      const [op, width] = random.pick([
        ['q', 1],
        ['h', 1],
        ['r', 4],
        ['j', 4],
      ] as const);
      return Uint8Array.of(...latin1(op), ...field(random.small(40), width, true));
    }
    case 4: {
      const number = random.bytes(random.small(12));
      return Uint8Array.of(0x8a, number.length, ...number);
    }
    case 5:
      return random.oneIn(6) ? latin1(random.pick(FOREIGN)) : latin1(random.pick(PLAIN));
    default:
      return latin1(random.pick(PLAIN));
  }
}

/** Changes a pickle opcode by opcode, or its bytes. */
export function mutatePickle(random: Random, pickle: Uint8Array): Uint8Array {
  if (random.oneIn(6)) return havoc(random, pickle);
  const opcodes = opcodesOf(pickle);
  for (let n = random.small(8); n >= 0; n--) change(random, opcodes);
  return Uint8Array.from(opcodes.flatMap((one) => [...one]));
}

function change(random: Random, opcodes: Uint8Array[]): void {
  const { length } = opcodes;
  if (length === 0) return;
  const at = random.below(length);
  const reach = 1 + random.small(Math.min(length, 30));
  switch (random.below(8)) {
    case 0:
      opcodes.splice(at, random.oneIn(2) ? 1 : reach);
      return;
    case 1:
      opcodes.splice(at, 0, someOpcode(random));
      return;
    case 2:
      opcodes[at] = someOpcode(random);
      return;
    case 3:
      opcodes.splice(random.below(length), 0, ...opcodes.slice(at, at + reach));
      return;
    case 4: {
      const other = random.below(length);
      [opcodes[at], opcodes[other]] = [opcodes[other], opcodes[at]];
      return;
    }
    case 5: {
      // Hundreds of one thing: levels, marks, memos.
      const some = opcodes.slice(at, at + random.below(3) + 1);
      opcodes.splice(at, 0, ...Array.from({ length: random.small(200) }, () => some).flat());
      return;
    }
    default: {
      const [op, ...argument] = opcodes[at];
      if (argument.length === 0) return;
      const kind = ARGUMENTS[String.fromCharCode(op)];
      if (typeof kind === 'number') {
        const value = random.oneIn(2) ? random.small(20) : oddNumber(random);
        opcodes[at] = Uint8Array.of(op, ...field(value, kind, true));
      } else
        opcodes[at] = spliced(
          opcodes[at],
          random.below(argument.length + 1),
          1,
          random.bytes(random.below(3)),
        );
    }
  }
}
