import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/*
 * The rules of src/, read from its imports. CONTRIBUTING.md states these rules and no others.
 */

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const DIST = new URL('../dist/', import.meta.url).href;

/**
 * The rooms and the files at the root by floor, from the ground up. A file imports from its own
 * room and from floors below.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['builtins'],
  ['errors'],
  ['checks', 'allocate', 'checksums', 'first-bytes', 'deflate', 'colour'],
  ['platform', 'exif'],
  ['tensor', 'png', 'zip'],
  ['numbers'],
  ['rows', 'safetensors', 'model', 'npy', 'torch'],
  ['tensor-like', 'picture'],
  ['options', 'wire'],
  ['image'],
  ['latent', 'backend', 'weights'],
  ['sources'],
  ['formats', 'backend/wasm', 'calls'],
  ['backend/webgpu'],
  ['draw', 'turns'],
  ['engine'],
  ['steps'],
  ['taesd', 'network'],
  ['preview', 'index', 'remote'],
  ['element'],
  ['workerd', 'one-file', 'cli/terminal', 'cli/network'],
  ['cli/line'],
  ['cli/files', 'cli/maps'],
  ['cli/inspect', 'cli/sheet', 'cli/serve'],
  ['cli/commands'],
  ['cli'],
];

/**
 * The rooms and files that a room may import from, beside itself. A trailing star means all below.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  exif: ['errors', 'first-bytes', 'allocate'],
  png: [
    'builtins',
    'errors',
    'first-bytes',
    'checks',
    'allocate',
    'checksums',
    'deflate',
    'colour',
    'exif',
  ],
  deflate: [],
  colour: [],
  zip: ['builtins', 'errors', 'first-bytes', 'allocate', 'checksums', 'deflate'],
  picture: [
    'builtins',
    'errors',
    'first-bytes',
    'checks',
    'allocate',
    'colour',
    'platform',
    'exif',
    'png',
    'rows',
  ],
  numbers: ['builtins', 'errors', 'checks', 'allocate', 'tensor'],
  torch: ['builtins', 'errors', 'first-bytes', 'checks', 'allocate', 'tensor', 'numbers', 'zip'],
  safetensors: ['builtins', 'errors', 'first-bytes', 'checks', 'allocate', 'tensor', 'numbers'],
  wire: ['builtins', 'errors', 'checks', 'allocate', 'tensor', 'numbers', 'model', 'tensor-like'],
  sources: [
    'builtins',
    'errors',
    'checks',
    'allocate',
    'first-bytes',
    'colour/linear-light',
    'tensor-like',
    'options',
    'image',
    'backend/pacer',
  ],
};

/** The rooms and files that a room must not import from. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  model: ['backend', 'platform', 'options'],
  backend: ['image', 'options/load', 'calls', 'model/variants', 'weights', 'cli', 'draw'],
};

/**
 * The parts of the library that the command may import from: the public entries, and the rooms
 * whose knowledge of networks and files it prints.
 */
const CLI_MAY: readonly string[] = [
  'index',
  'picture',
  'png',
  'formats',
  'remote',
  'builtins/newer',
  'errors',
  'first-bytes',
  'checks',
  'colour/linear-light',
  'platform',
  'options/load',
  'model',
  'weights',
  'safetensors/show-name',
];

/** Pictures and devices: only `draw` knows both. */
const PICTURES = ['image', 'png', 'latent'];
const DEVICES = ['backend/webgpu'];

interface Arrow {
  readonly from: string;
  readonly to: string;
}

/** The files of a folder by their paths in src: `png/read.ts`. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort();
}

/** Code without comments; strings stay. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');

/** The imports of a file, of types and `import()` too. */
function arrowsOf(path: string, text: string): Arrow[] {
  const code = withoutComments(text);
  const found = code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+\.ts)'/g);
  return [...found].map(([, target]) => ({
    from: path,
    to: normalize(join(dirname(path), target)),
  }));
}

const FILES = filesOf(SRC);
const TEXTS = new Map(FILES.map((path) => [path, readFileSync(join(SRC, path), 'utf8')]));
const ARROWS = FILES.flatMap((path) => arrowsOf(path, TEXTS.get(path) as string));

const textOf = ({ from, to }: Arrow): string => `${from} → ${to}`;

/** True if the file is the one named, or lies in the room named or below it. */
const isIn = (path: string, place: string): boolean =>
  path === `${place}.ts` || path.startsWith(`${place}/`);

/** The entry of FLOORS that a file belongs to: the longest that fits. */
function roomOf(path: string): string | undefined {
  const fitting = FLOORS.flat().filter((room) => isIn(path, room));
  return fitting.sort((a, b) => b.length - a.length)[0];
}

const floorOf = (path: string): number =>
  FLOORS.findIndex((rooms) => rooms.includes(roomOf(path) ?? ''));

describe('rooms', () => {
  test('every file → in a room of the list; every room of the list → there', () => {
    expect(FILES.filter((path) => roomOf(path) === undefined)).toEqual([]);
    const rooms = new Set(FILES.map(roomOf));
    expect(FLOORS.flat().filter((room) => !rooms.has(room))).toEqual([]);
    expect(FILES.length).toBeGreaterThan(150);
    expect(ARROWS.length).toBeGreaterThan(500);
  });

  test('files at the root → at most 14', () => {
    const root = FILES.filter((path) => !path.includes('/'));
    expect(root.length, root.join(', ')).toBeLessThanOrEqual(14);
  });

  test('arrows → down, or inside a room', () => {
    const up = ARROWS.filter(
      ({ from, to }) => roomOf(from) !== roomOf(to) && floorOf(to) >= floorOf(from),
    );
    expect(up.map(textOf)).toEqual([]);
  });

  test('files → no circle of imports', () => {
    expect(circlesOf(ARROWS)).toEqual([]);
  });

  test('index.ts → a door: it only passes on', () => {
    const bodies = FILES.filter((path) => path.endsWith('index.ts')).filter((path) =>
      withoutComments(TEXTS.get(path) as string)
        .replace(/^(export|import) (type )?(\{[^}]*\}|\*) from '[^']+';$/gm, '')
        .trim(),
    );
    expect(bodies).toEqual([]);
  });
});

describe('who may know whom', () => {
  for (const [room, allowed] of Object.entries(ALLOWED)) {
    test(`${room} → ${allowed.join(', ')} alone`, () => {
      const places = [room, ...allowed];
      const others = ARROWS.filter(({ from }) => isIn(from, room)).filter(
        ({ to }) => !places.some((place) => isIn(to, place)),
      );
      expect(others.map(textOf)).toEqual([]);
    });
  }

  for (const [room, forbidden] of Object.entries(FORBIDDEN)) {
    test(`${room} → nothing of ${forbidden.join(', ')}`, () => {
      const wrong = ARROWS.filter(({ from }) => isIn(from, room)).filter(({ to }) =>
        forbidden.some((place) => isIn(to, place)),
      );
      expect(wrong.map(textOf)).toEqual([]);
    });
  }

  test('rooms that know both pictures and devices → draw alone', () => {
    const rooms = new Set(FILES.map((path) => roomOf(path) as string));
    const knows = (room: string, places: readonly string[]) =>
      ARROWS.some(
        ({ from, to }) => roomOf(from) === room && places.some((place) => isIn(to, place)),
      );
    const both = [...rooms].filter((room) => knows(room, PICTURES) && knows(room, DEVICES));
    expect(both).toEqual(['draw']);
  });

  test(`cli → ${CLI_MAY.join(', ')} alone`, () => {
    const others = ARROWS.filter(({ from, to }) => isIn(from, 'cli') && !isIn(to, 'cli')).filter(
      ({ to }) => !CLI_MAY.some((place) => isIn(to, place)),
    );
    expect(others.map(textOf)).toEqual([]);
  });
});

test('import() of the library → through lazily, which makes a TaesdError of a failure', () => {
  const bare = FILES.filter((path) => !isIn(path, 'cli')).flatMap((path) => {
    const code = withoutComments(TEXTS.get(path) as string);
    return [...code.matchAll(/(.{16})\bimport\('\./g)]
      .filter(([, before]) => !before.endsWith('lazily(() => '))
      .map(([line]) => `${path}: ${line}`);
  });
  expect(bare).toEqual([]);
});

describe('values of other realms, fake timers', () => {
  // The command is a program: what it looks at, it has made.
  const codes = FILES.filter((path) => !isIn(path, 'cli')).map(
    (path) => [path, withoutComments(TEXTS.get(path) as string)] as const,
  );

  test('instanceof → asks for classes of the project alone', () => {
    const own = new Set(
      codes.flatMap(([, code]) => [...code.matchAll(/\bclass (\w+)/g)].map(([, name]) => name)),
    );
    const others = codes.flatMap(([path, code]) =>
      [...code.matchAll(/\binstanceof ([\w.]+)/g)]
        .filter(([, name]) => !own.has(name))
        .map(([text]) => `${path}: ${text}`),
    );
    expect(own.has('TaesdError')).toBe(true);
    expect(others).toEqual([]);
  });

  test('timers and the clock → platform/timers alone', () => {
    const timers =
      /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|requestAnimationFrame)\b|\bperformance\.|\bDate\b/;
    const users = codes.filter(([, code]) => timers.test(code)).map(([path]) => path);
    expect(users).toEqual(['platform/timers.ts']);
  });
});

test('importing every file → runs no function of the project', () => {
  // In a process of its own: V8 counts the calls of each function while the files are imported.
  const { stdout } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', COUNT_CALLS, DIST, ...FILES.filter(isImported)],
    { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  const { files, called } = JSON.parse(stdout);
  expect(files).toBe(FILES.filter(isImported).length);
  expect(called).toEqual([]);
});

/** Files that are programs, and the entry that only workerd can import. */
const isImported = (path: string): boolean =>
  !['cli/main.ts', 'cli/serve/jpeg-worker.ts', 'backend/wasm/worker.ts', 'workerd.ts'].includes(
    path,
  );

/** Prints the functions that were called while the files of argv were imported from dist/. */
const COUNT_CALLS = `
import { Session } from 'node:inspector/promises';
const [dist, ...paths] = process.argv.slice(1);
const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
for (const path of paths) await import(dist + path.replace(/\\.ts$/, '.js'));
const { result } = await session.post('Profiler.takePreciseCoverage');
const ours = result.filter(({ url }) => url.startsWith(dist));
const called = ours.flatMap(({ url, functions }) =>
  functions
    .filter(({ ranges: [{ count, startOffset }] }) => count > 0 && startOffset > 0)
    .map(({ functionName }) => url.slice(dist.length) + ': ' + functionName),
);
console.log(JSON.stringify({ files: ours.length, called }));
`;

test('exported kernels → at most 6 parameters', async () => {
  const bytes = readFileSync(new URL('taesd.wasm', DIST));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  const kernels = Object.entries(instance.exports).filter(([, value]) => value instanceof Function);
  expect(kernels.length).toBeGreaterThan(10);
  const wide = kernels.filter(([, kernel]) => (kernel as () => void).length > 6);
  expect(wide.map(([name]) => name)).toEqual([]);
});

/** Each group of files that import each other in a circle. */
function circlesOf(arrows: readonly Arrow[]): string[][] {
  const next = new Map<string, string[]>();
  for (const { from, to } of arrows) next.set(from, [...(next.get(from) ?? []), to]);
  const reach = (start: string): Set<string> => {
    const seen = new Set<string>();
    const open = [...(next.get(start) ?? [])];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (seen.has(path)) continue;
      seen.add(path);
      open.push(...(next.get(path) ?? []));
    }
    return seen;
  };
  const reached = new Map([...next.keys()].map((path) => [path, reach(path)]));
  const circles = new Map<string, string[]>();
  for (const [path, others] of reached) {
    if (!others.has(path)) continue;
    const circle = [...others].filter((other) => reached.get(other)?.has(path)).sort();
    circles.set(circle.join(), circle);
  }
  return [...circles.values()];
}
