import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { TaesdError } from '../../src/errors.ts';
import { readZip, type ZipOptions } from '../../src/zip/read-zip.ts';
import { fields, joined, utf8 } from '../bytes.ts';
import { rounds } from '../full-length.ts';
import { faultOf } from '../thrown-by.ts';
import { type Ending, type Part, zip } from './build-zip.ts';

/** The contents of all files of an archive, by name. */
function contentsOf(bytes: Uint8Array, options?: ZipOptions): Record<string, Uint8Array> {
  const entries = [...readZip(bytes, options).values()];
  return Object.fromEntries(entries.map((entry) => [entry.name, entry.read()]));
}

/** Returns the error of reading everything. */
const faultIn = (bytes: Uint8Array, options?: ZipOptions): TaesdError | undefined =>
  faultOf(() => contentsOf(bytes, options));

const one = (part: Partial<Part> = {}, ending?: Ending) => zip([{ name: 'a', ...part }], ending);

const LONG = Uint8Array.from({ length: 70000 }, (_, i) => (i * i) >> 5);
const NOTHING = new Uint8Array(0);
const BIG = 0xffffffff;
/** An extra field of zip64 with these numbers of 8 bytes. */
const zip64Extra = (...values: readonly number[]): Uint8Array =>
  fields([2, 1], [2, 8 * values.length], ...values.map((value) => [8, value] as const));

let many: Uint8Array | undefined;

/** Files of a large archive. */
const MANY = rounds(20_000, 60_000);

/** Returns MANY empty files after one whose local record has a long extra field. Made once. */
function manyFiles(): Uint8Array {
  if (many !== undefined) return many;
  const localExtra = joined(fields([2, 9], [2, 60000]), new Uint8Array(60000));
  const others = Array.from({ length: MANY }, (_, i) => ({ name: `f${i}`, content: NOTHING }));
  many = zip([{ name: 'a', content: NOTHING, localExtra }, ...others]);
  return many;
}

describe('archives that are read', () => {
  const padding = joined(utf8('FB'), fields([2, 5]), utf8('ZZZZZ'));
  const sizes = [
    [18, 4, BIG],
    [22, 4, BIG],
  ] as const;
  const rows: readonly [string, Uint8Array, Record<string, Uint8Array>][] = [
    ['no files', zip([]), {}],
    ['a stored file', one({ content: LONG }), { a: LONG }],
    ['a deflated file', one({ content: LONG, deflated: true }), { a: LONG }],
    [
      'empty files',
      zip([
        { name: 'a', content: NOTHING },
        { name: 'b', content: NOTHING, deflated: true },
      ]),
      { a: NOTHING, b: NOTHING },
    ],
    ['torch’s padding', one({ localExtra: padding }), { a: utf8('content') }],
    [
      'numpy’s zip64 local record',
      one({ content: LONG, local: sizes, localExtra: zip64Extra(70000, 70000) }),
      { a: LONG },
    ],
    [
      'zip64 in both records',
      one({
        local: sizes,
        localExtra: zip64Extra(7, 7),
        central: [
          [20, 4, BIG],
          [24, 4, BIG],
          [42, 4, BIG],
        ],
        centralExtra: zip64Extra(7, 7, 0),
      }),
      { a: utf8('content') },
    ],
    ['zip64 end records', one({}, { zip64: true }), { a: utf8('content') }],
    ['a comment', one({}, { comment: utf8('by a tool, PK') }), { a: utf8('content') }],
    [
      'a name of 4096 bytes',
      one({ name: 'x'.repeat(4096) }),
      { ['x'.repeat(4096)]: utf8('content') },
    ],
    [
      'folders',
      zip([{ name: 'f/', content: NOTHING }, { name: 'f/a' }]),
      { 'f/a': utf8('content') },
    ],
    [
      'names of JavaScript',
      zip([{ name: 'constructor' }, { name: 'ü/x.npy' }]),
      { constructor: utf8('content'), 'ü/x.npy': utf8('content') },
    ],
    [
      'a descriptor left out, as torch does for no bytes',
      one({ content: NOTHING, descriptor: NOTHING }),
      { a: NOTHING },
    ],
    [
      'numpy’s zip64 local record with zeros, written to a pipe',
      one({ local: sizes, localExtra: zip64Extra(0, 0), descriptor: 'signed wide' }),
      { a: utf8('content') },
    ],
  ];
  for (const [what, bytes, contents] of rows) {
    test(`${what} → its files`, () => expect(contentsOf(bytes)).toEqual(contents));
  }

  for (const descriptor of ['short', 'signed', 'wide', 'signed wide'] as const) {
    test(`descriptor, ${descriptor} → the file`, () => {
      const bytes = zip([
        { name: 'a', descriptor },
        { name: 'b', descriptor, deflated: true },
      ]);
      expect(contentsOf(bytes)).toEqual({ a: utf8('content'), b: utf8('content') });
    });
  }

  test('stored file → a view; deflated file → new bytes; a view of the archive → works', () => {
    const bytes = zip([{ name: 'a' }, { name: 'b', deflated: true }]);
    const padded = joined(new Uint8Array(3), bytes, new Uint8Array(3));
    const entries = readZip(padded.subarray(3, -3));
    expect(entries.get('a')?.read().buffer).toBe(padded.buffer);
    expect(entries.get('b')?.read()).toEqual(utf8('content'));
    expect(entries.get('b')?.size).toBe(7);
  });

  test(`${MANY} files → linear time`, () => {
    const bytes = manyFiles();
    const before = process.cpuUsage().user;
    expect(readZip(bytes).size).toBe(MANY + 1);
    expect(process.cpuUsage().user - before).toBeLessThan(50 * MANY);
  });
});

describe('archives that are refused', () => {
  const plain = one();
  const inner = one({ name: 'b' });
  const rows: readonly [string, Uint8Array, TaesdError['code']][] = [
    ['no bytes', NOTHING, 'TRUNCATED'],
    ['another file', utf8('<html>'), 'FORMAT'],
    ['bytes before', joined(utf8('x'), plain), 'FORMAT'],
    ['bytes after', joined(plain, utf8('x')), 'FORMAT'],
    ['bytes between files', zip([{ name: 'a', after: utf8('x') }, { name: 'b' }]), 'FORMAT'],
    ['bytes before the directory', one({ after: utf8('x') }), 'FORMAT'],
    ['an archive before the archive', joined(plain, inner), 'FORMAT'],
    ['an archive in the comment', one({}, { comment: inner }), 'UNSAFE'],
    ['an end record in the comment', one({}, { comment: fields([4, 0x06054b50]) }), 'UNSAFE'],
    ['the second of two disks', one({}, { end: [[4, 2, 1]] }), 'FORMAT'],
    ['a directory on another disk', one({}, { end: [[6, 2, 1]] }), 'FORMAT'],
    ['counts that differ', one({}, { end: [[8, 2, 2]] }), 'FORMAT'],
    [
      'too large a count',
      one(
        {},
        {
          end: [
            [8, 2, 2],
            [10, 2, 2],
          ],
        },
      ),
      'FORMAT',
    ],
    ['too small a count', one({}, { end: [[8, 4, 0]] }), 'FORMAT'],
    ['65,535 files without zip64', one({}, { end: [[8, 4, BIG]] }), 'FORMAT'],
    ['a directory past the end', one({}, { end: [[16, 4, 1e9]] }), 'FORMAT'],
    ['a directory of another size', one({}, { end: [[12, 4, 46]] }), 'FORMAT'],
    ['a malformed record in the directory', one({ central: [[0, 4, 1]] }), 'FORMAT'],
    ['a zip64 record that is elsewhere', one({}, { zip64: true, locator: [[8, 8, 3]] }), 'FORMAT'],
    ['a zip64 record past the end', one({}, { zip64: true, locator: [[8, 8, 2 ** 62]] }), 'FORMAT'],
    [
      'a zip64 record of another length',
      one({}, { zip64: true, zip64End: [[4, 8, 45]] }),
      'FORMAT',
    ],
    ['a zip64 record on another disk', one({}, { zip64: true, locator: [[4, 4, 1]] }), 'FORMAT'],
    ['end records that disagree', one({}, { zip64: true, end: [[8, 2, 2]] }), 'UNSAFE'],
    ['a name of 4097 bytes', one({ name: 'x'.repeat(4097) }), 'LIMIT'],
    ['zip64 sizes that are missing', one({ central: [[24, 4, BIG]] }), 'FORMAT'],
    [
      'a zip64 extra field that is short',
      one({
        central: [
          [20, 4, BIG],
          [24, 4, BIG],
        ],
        centralExtra: zip64Extra(7),
      }),
      'FORMAT',
    ],
    [
      'two zip64 extra fields',
      one({ centralExtra: joined(zip64Extra(7), zip64Extra(7)) }),
      'FORMAT',
    ],
    ['an extra field past the record', one({ centralExtra: fields([2, 9], [2, 9]) }), 'FORMAT'],
    [
      'a size of 2⁶³',
      one({
        central: [
          [20, 4, BIG],
          [24, 4, BIG],
        ],
        centralExtra: zip64Extra(2 ** 63, 2 ** 63),
      }),
      'FORMAT',
    ],
    [
      'zip64 sizes that differ',
      one({
        local: [
          [18, 4, BIG],
          [22, 4, BIG],
        ],
        localExtra: zip64Extra(7, 8),
      }),
      'UNSAFE',
    ],
    [
      'zip64 zeros without a descriptor',
      one({
        local: [
          [18, 4, BIG],
          [22, 4, BIG],
        ],
        localExtra: zip64Extra(0, 0),
      }),
      'UNSAFE',
    ],
    ['a local record past the end', one({ central: [[42, 4, 1e6]] }), 'FORMAT'],
    ['no local record', one({ local: [[0, 4, 0x04034b51]] }), 'FORMAT'],
    ['another local name', zip([{ name: 'ab', local: [[26, 2, 1]] }]), 'UNSAFE'],
    ['another local method', one({ local: [[8, 2, 8]] }), 'UNSAFE'],
    ['another local CRC', one({ local: [[14, 4, 1]] }), 'UNSAFE'],
    ['another local packed size', one({ local: [[18, 4, 1]] }), 'UNSAFE'],
    ['another local size', one({ local: [[22, 4, 1]] }), 'UNSAFE'],
    [
      'zeros without a descriptor',
      one({
        local: [
          [14, 4, 0],
          [18, 4, 0],
          [22, 4, 0],
        ],
      }),
      'UNSAFE',
    ],
    ['a local flag of encryption', one({ local: [[6, 2, 0x801]] }), 'UNSAFE'],
    [
      'a descriptor with another CRC',
      one({ descriptor: fields([4, 1], [4, 7], [4, 7]) }),
      'FORMAT',
    ],
    [
      'a descriptor with another size',
      one({ descriptor: fields([4, 0x08074b50], [4, 1], [4, 7], [4, 7]) }),
      'FORMAT',
    ],
    ['an encrypted file', one({ local: [[6, 2, 0x801]], central: [[8, 2, 0x801]] }), 'UNSUPPORTED'],
    ['bzip2', one({ local: [[8, 2, 12]], central: [[10, 2, 12]] }), 'UNSUPPORTED'],
    ['an unknown method', one({ local: [[8, 2, 77]], central: [[10, 2, 77]] }), 'UNSUPPORTED'],
    ['stored with two sizes', one({ size: 8 }), 'FORMAT'],
    ['a name twice', zip([{ name: 'a' }, { name: 'a' }]), 'UNSAFE'],
    [
      'two files at one place',
      zip([{ name: 'a' }, { name: 'a2', central: [[42, 4, 0]] }]),
      'UNSAFE',
    ],
    ['no name', zip([{ name: '' }]), 'UNSAFE'],
    ['a name that is not UTF-8', zip([{ name: fields([2, 0xc328]) }]), 'FORMAT'],
    ['a folder with content', zip([{ name: 'f/' }]), 'FORMAT'],
    ['another CRC', one({ local: [[14, 4, 0]], central: [[16, 4, 0]] }), 'INTEGRITY'],
    ['deflated, nothing', one({ deflated: true, packed: NOTHING }), 'TRUNCATED'],
    [
      'deflated, cut off',
      one({ content: LONG, deflated: true, packed: zipped(LONG).subarray(0, -9) }),
      'TRUNCATED',
    ],
    ['deflated, no stream', one({ deflated: true, packed: utf8('\x07\x07\x07') }), 'FORMAT'],
    [
      'deflated, fewer bytes than stated',
      one({ content: LONG, deflated: true, size: 70001 }),
      'TRUNCATED',
    ],
    [
      'deflated, more bytes than stated',
      one({ content: LONG, deflated: true, size: 69999 }),
      'LIMIT',
    ],
    ['deflated, a size it cannot hold', one({ deflated: true, size: 1e6 }), 'LIMIT'],
    [
      'deflated, 200 kB after the stream',
      one({
        content: NOTHING,
        deflated: true,
        packed: joined(fields([2, 3]), new Uint8Array(200000)),
      }),
      'FORMAT',
    ],
  ];
  for (const [what, bytes, code] of rows) {
    test(`${what} → ${code}`, () => {
      const error = faultIn(bytes);
      expect(error?.code, error?.message).toBe(code);
    });
  }

  for (const name of ['../a', 'a/../b', 'a/..', '..', '/etc/passwd', 'C:/a', 'a\\b', 'a\0.txt']) {
    test(`name ${JSON.stringify(name)} → UNSAFE`, () => {
      expect(faultIn(zip([{ name }]))?.code).toBe('UNSAFE');
    });
  }
  for (const name of ['..a', 'a..', 'a/.b', 'b:0', '...']) {
    test(`name ${JSON.stringify(name)} → a name`, () => {
      expect(Object.keys(contentsOf(zip([{ name }])))).toEqual([name]);
    });
  }
});

function zipped(content: Uint8Array): Uint8Array {
  const bytes = one({ content, deflated: true });
  return bytes.subarray(31, bytes.length - 22 - 47);
}

describe('bombs', () => {
  const ZEROS = new Uint8Array(2 ** 26);
  const packed = new Uint8Array(deflateRawSync(ZEROS));
  const bomb = one({ content: ZEROS, deflated: true, packed });

  test('64 MB in 65 kB, maxBytes 1 MB → LIMIT before anything is inflated', () => {
    expect(faultIn(bomb, { maxBytes: 1e6 })?.code).toBe('LIMIT');
    expect(faultIn(bomb, { maxBytes: 2 ** 26 })).toBeUndefined();
  });

  test('64 MB that state 1 kB → LIMIT within a second of processor time and 64 MB', () => {
    const lies = one({ content: ZEROS, deflated: true, packed, size: 1000 });
    const [cpu, memory] = [process.cpuUsage().user, process.memoryUsage().arrayBuffers];
    expect(faultIn(lies)?.code).toBe('LIMIT');
    expect(process.cpuUsage().user - cpu).toBeLessThan(1e6);
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(2 ** 26);
  });

  test(`${MANY} directory records of one local record with a long extra field → UNSAFE at once`, () => {
    const bytes = manyFiles().slice();
    const view = new DataView(bytes.buffer);
    let at = view.getUint32(bytes.length - 6, true);
    for (let i = 0; i <= MANY; i++) {
      view.setUint32(at + 42, 0, true);
      at += 46 + view.getUint16(at + 28, true);
    }
    expect(at, 'the end record').toBe(bytes.length - 22);
    const before = process.cpuUsage().user;
    expect(faultIn(bytes)?.code).toBe('UNSAFE');
    expect(process.cpuUsage().user - before).toBeLessThan(50 * MANY);
  });
});

describe('damaged archives', () => {
  const parts: Part[] = [
    { name: 'x/a', content: utf8('some content'), descriptor: 'signed' },
    { name: 'x/b', content: LONG.subarray(0, 60), deflated: true },
    {
      name: 'x/c',
      local: [
        [18, 4, BIG],
        [22, 4, BIG],
      ],
      localExtra: zip64Extra(7, 7),
    },
  ];
  for (const [what, bytes] of [
    ['zip', zip(parts, { comment: utf8('hi') })],
    ['zip64', zip(parts, { zip64: true })],
  ] as const) {
    const right = Object.values(contentsOf(bytes));

    test(`${what}, cut at any byte → TRUNCATED or FORMAT`, () => {
      const codes = new Set<string | undefined>();
      for (let end = 0; end < bytes.length; end++) codes.add(faultIn(bytes.subarray(0, end))?.code);
      for (const code of codes) expect(['TRUNCATED', 'FORMAT']).toContain(code);
    });

    test(`${what}, a byte changed anywhere → a typed error or the contents`, () => {
      for (let at = 0; at < bytes.length; at++) {
        for (const flip of [1, 0x80, 0xff]) {
          const damaged = bytes.slice();
          damaged[at] ^= flip;
          if (faultIn(damaged) !== undefined) continue;
          expect(Object.values(contentsOf(damaged)), `byte ${at}`).toEqual(right);
        }
      }
    });
  }
});
