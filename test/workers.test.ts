import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Pacer } from '../src/backend/pacer.ts';
import { compileKernels } from '../src/backend/wasm/module.ts';
import { WorkerPool } from '../src/backend/wasm/pool.ts';
import { bindNetwork } from '../src/model/bind.ts';
import { VARIANTS } from '../src/model/variants.ts';
import type { LoadOptions, PixelRows } from '../src/options/types.ts';
import { tensorRows } from '../src/rows.ts';
import { Taesd } from '../src/taesd.ts';
import { isFullLength, sampled, testAtFullLength } from './full-length.ts';
import { randomTensor, seededRandom } from './random.ts';
import { randomTensors, randomWeights } from './small-model.ts';

/*
 * Workers as they live and die, and the memory that a run leaves behind. Workers are those of
 * dist/.
 */

const DECODER = randomWeights('taesd', 'decoder');
const latentsOf = (height: number, width: number) =>
  randomTensor(seededRandom(height + width), [1, 4, height, width], 2);
const SMALL = latentsOf(8, 6);
/** 384×384 pixels, from which on workers are started by default. */
const LARGE = latentsOf(48, 48);
/** Takes workers long enough to be waited for, and a test not too long. */
const MIDDLE = latentsOf(24, 32);
/** For calls that are aborted or left: no machine is done with them before. */
const TALL = latentsOf(400, 64);
const HUGE = latentsOf(256, 256);

const loaded: Taesd[] = [];
async function load(options: LoadOptions = {}): Promise<Taesd> {
  const taesd = await Taesd.load({ weights: { decoder: DECODER }, only: 'decoder', ...options });
  loaded.push(taesd);
  return taesd;
}
afterEach(() => {
  for (const taesd of loaded.splice(0)) taesd.dispose();
});

let small: Uint8ClampedArray;
let middle: Uint8ClampedArray;
let large: Uint8ClampedArray;
beforeAll(async () => {
  const alone = await Taesd.load({ weights: { decoder: DECODER }, workers: 0 });
  small = (await alone.decode(SMALL)).data;
  middle = (await alone.decode(MIDDLE)).data;
  large = (await alone.decode(LARGE)).data;
  alone.dispose();
});

/** Longer than anything here takes on a busy machine. */
const PATIENCE_MS = 300_000;
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether two pictures have the same bytes; `toEqual` takes seconds for large ones. */
const same = (a: Uint8ClampedArray, b: Uint8ClampedArray) =>
  Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)) === 0;

/** Looks at what workers post while `body` runs. */
async function watching(
  look: (message: { kind: string; batch?: { count: number } }, worker: Worker) => void,
  body: () => Promise<void>,
): Promise<void> {
  const { emit } = Worker.prototype;
  Worker.prototype.emit = function (this: Worker, event: string | symbol, ...values: unknown[]) {
    if (event === 'message') look(values[0] as { kind: string }, this);
    return Reflect.apply(emit, this, [event, ...values]);
  };
  try {
    await body();
  } finally {
    Worker.prototype.emit = emit;
  }
}

describe('info', () => {
  test('info [2 workers]: after load → workers 2, no reason, memory of no kernels here', async () => {
    const taesd = await load({ workers: 2 });
    const { workers, workersReason, memoryBytes } = taesd.info;
    expect([workers, workersReason, memoryBytes]).toEqual([2, undefined, 0]);
  });

  testAtFullLength('info [2 workers]: after a run → both workers’ memory', async () => {
    const taesd = await load({ workers: 2 });
    await taesd.decode(MIDDLE);
    const alone = await load({ workers: 0 });
    await alone.decode(MIDDLE);
    const ratio = taesd.info.memoryBytes / alone.info.memoryBytes;
    // Workers have as wide rows, and one network each.
    expect(ratio).toBeGreaterThan(1.9);
    expect(ratio).toBeLessThan(2.1);
  });

  test('info [default workers]: a small picture → none are started; workers 0 → never', async () => {
    const taesd = await load();
    expect(same((await taesd.decode(SMALL)).data, small)).toBe(true);
    expect(taesd.info.workers).toBe(0);
    const none = await load({ workers: 0 });
    // The sample has one that is too small for workers anyway.
    const [latents, wanted] = isFullLength ? [LARGE, large] : [MIDDLE, middle];
    expect(same((await none.decode(latents)).data, wanted)).toBe(true);
    expect([none.info.workers, none.info.workersReason]).toEqual([0, undefined]);
  });
});

describe.runIf(isFullLength)('by default', () => {
  const os = process.getBuiltinModule('node:os');
  /** Runs `body` as if this machine had so many cores. */
  async function withCores(cores: number, body: () => Promise<void>): Promise<void> {
    const spy = vi.spyOn(os, 'availableParallelism').mockReturnValue(cores);
    try {
      await body();
    } finally {
      spy.mockRestore();
    }
  }

  testAtFullLength(
    'decode [8 cores, default workers]: one that cannot start → the others do the work, and info names no reason',
    () =>
      withCores(8, async () => {
        const taesd = await load();
        const started = new Set<Worker>();
        const { emit } = Worker.prototype;
        Worker.prototype.emit = function (
          this: Worker,
          event: string | symbol,
          ...values: unknown[]
        ) {
          if (event === 'online') {
            started.add(this);
            if (started.size === 2) this.emit('error', new Error('no room'));
          }
          return Reflect.apply(emit, this, [event, ...values]);
        };
        try {
          expect(same((await taesd.decode(LARGE)).data, large)).toBe(true);
        } finally {
          Worker.prototype.emit = emit;
        }
        expect(started.size).toBeGreaterThan(2);
        const { workers, workersReason } = taesd.info;
        expect([workers, workersReason]).toEqual([started.size - 1, undefined]);
        expect(same((await taesd.decode(LARGE)).data, large)).toBe(true);
        expect(taesd.info.workers, 'not tried again').toBe(workers);
      }),
  );

  testAtFullLength(
    'decode [8 cores, default workers, and 8 workers]: 96×1536 → the bytes of one thread; more workers for more rows',
    () =>
      withCores(8, async () => {
        const tall = latentsOf(192, 12);
        const alone = await load({ workers: 0 });
        const { data } = await alone.decode(tall);
        const taesd = await load();
        expect(same((await taesd.decode(LARGE)).data, large)).toBe(true);
        const fewer = taesd.info.workers;
        expect(same((await taesd.decode(tall)).data, data)).toBe(true);
        expect(taesd.info.workers).toBeGreaterThan(fewer);
        expect(taesd.info.workers).toBeLessThanOrEqual(8);
        expect(same((await taesd.decode(tall)).data, data), 'on all of them').toBe(true);
        taesd.dispose();
        const given = await load({ workers: 8 });
        expect(same((await given.decode(tall)).data, data), 'given').toBe(true);
      }),
  );

  testAtFullLength(
    'dispose and abort [8 cores, default workers]: while workers start → the call ends, and the process has none left',
    () =>
      withCores(8, async () => {
        const taesd = await load();
        const controller = new AbortController();
        const running = taesd.decode(latentsOf(128, 18), { signal: controller.signal });
        setTimeout(() => controller.abort(), 5);
        await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
        expect(same((await taesd.decode(SMALL)).data, small)).toBe(true);
        const next = taesd.decode(latentsOf(128, 18));
        await wait(5);
        taesd.dispose();
        expect((await next).height).toBe(1024);
        expect(taesd.info.workers).toBe(0);
      }),
  );
});

describe('abort', () => {
  for (const workers of sampled([2], [1, 2, 4])) {
    test(`decode [${workers} workers]: aborted after 0 … 200 ms → ABORTED each time, and the next call works`, async () => {
      const taesd = await load({ workers });
      for (const ms of sampled([0, 60], [0, 5, 40, 100, 200])) {
        const controller = new AbortController();
        const running = taesd.decode(HUGE, { signal: controller.signal });
        setTimeout(() => controller.abort(), ms);
        await expect(running).rejects.toThrow(
          expect.objectContaining({
            code: 'ABORTED',
            message: 'decode: aborted (This operation was aborted)',
          }),
        );
        expect(same((await taesd.decode(SMALL)).data, small), `after ${ms} ms`).toBe(true);
      }
      expect(same((await taesd.decode(MIDDLE)).data, middle)).toBe(true);
      expect(taesd.info.workers).toBe(workers);
    });
  }

  testAtFullLength(
    'decode [0 and 2 workers]: 512 wide, aborted in the middle → rejected in the time that is printed',
    async () => {
      const told: string[] = [];
      for (const workers of [0, 2]) {
        const taesd = await load({ workers });
        const latencies: number[] = [];
        for (let n = 0; n < 8; n++) {
          const controller = new AbortController();
          let at = 0;
          const running = taesd.decode(TALL, { signal: controller.signal });
          setTimeout(
            () => {
              at = performance.now();
              controller.abort();
            },
            60 + 23 * n,
          );
          await expect(running).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }));
          latencies.push(performance.now() - at);
        }
        const [least, most] = [Math.min(...latencies), Math.max(...latencies)];
        told.push(`${workers} workers ${least.toFixed(1)} … ${most.toFixed(1)} ms`);
      }
      console.log(`abort() to rejection, 512 wide: ${told.join(', ')}`);
    },
  );

  testAtFullLength(
    'decodeRows [2 workers]: aborted between rows, and left in the middle → no call hangs, no row is lost later',
    async () => {
      const taesd = await load({ workers: 2 });
      const controller = new AbortController();
      const rows = taesd.decodeRows(TALL, { signal: controller.signal });
      await rows.next();
      controller.abort();
      await expect(
        (async () => {
          for await (const _ of rows);
        })(),
      ).rejects.toThrow(expect.objectContaining({ code: 'ABORTED' }));
      for await (const _ of taesd.decodeRows(TALL)) break;
      expect(same((await taesd.decode(MIDDLE)).data, middle)).toBe(true);
    },
  );
});

describe('order and bounds', () => {
  for (const workers of sampled([2], [1, 2, 3])) {
    test(`decodeRows [${workers} workers]: firstRow → the rows of decode from there on`, async () => {
      const taesd = await load({ workers });
      const tall = latentsOf(100, 2);
      const { data } = await taesd.decode(tall);
      for (const firstRow of [3, 401, 799]) {
        let next = firstRow;
        for await (const { y, rows, data: part } of taesd.decodeRows(tall, { firstRow })) {
          expect(y).toBe(next);
          expect(part).toEqual(data.slice(4 * 16 * y, 4 * 16 * (y + rows)));
          next += rows;
        }
        expect(next).toBe(800);
      }
    });

    testAtFullLength(
      `decodeRows [${workers} workers]: a consumer that stops → workers run ahead by at most ${workers} spans, and go on`,
      async () => {
        const taesd = await load({ workers });
        // 3200 rows: several rounds of spans of at most 512.
        const tall = latentsOf(400, 2);
        const ahead: number[] = [];
        /** Until no message has come for a while: then nothing is under way any more. */
        const settled = async () => {
          for (let seen = -1; seen !== ahead.length; ) {
            seen = ahead.length;
            await wait(300);
          }
        };
        let posted = 0;
        let taken = 0;
        await watching(
          ({ kind, batch }) => {
            if (kind === 'rows') posted += batch?.count ?? 0;
            ahead.push(posted - taken);
          },
          async () => {
            let next = 0;
            for await (const { y, rows } of taesd.decodeRows(tall)) {
              expect(y).toBe(next);
              next = y + rows;
              taken += rows;
              if (taken === rows || (taken > 1500 && taken < 1600)) await settled();
            }
            expect(next).toBe(3200);
          },
        );
        expect(posted).toBe(3200);
        if (process.env.MEASURE) console.log(`${workers} workers ahead`, Math.max(...ahead));
        expect(Math.max(...ahead)).toBeLessThanOrEqual(workers * 512);
      },
    );
  }
});

describe('end', () => {
  test('dispose [2 workers]: while a call runs → that call ends well, a waiting one in ARG, workers exit', async () => {
    const taesd = await load({ workers: 2 });
    const seen = new Set<Worker>();
    await watching(
      (_, worker) => seen.add(worker),
      async () => {
        const running = taesd.decode(LARGE);
        const waiting = taesd.decode(SMALL);
        await wait(50);
        taesd.dispose();
        taesd.dispose();
        await expect(waiting).rejects.toThrow(expect.objectContaining({ code: 'ARG' }));
        expect(same((await running).data, large)).toBe(true);
      },
    );
    expect(seen.size).toBe(2);
    for (const worker of seen) {
      for (let n = 0; n < 5000 && worker.threadId !== -1; n++) await wait(20);
      expect(worker.threadId, 'a worker that has exited').toBe(-1);
    }
  });

  const heapIsFull = 'Worker terminated due to reaching memory limit: JS heap out of memory';
  const deaths = [
    ['is ended', (worker: Worker) => worker.terminate(), 'WORKER', 'ended (exit code 1)'],
    [
      'throws',
      (worker: Worker) => worker.emit('error', new TypeError('not now')),
      'WORKER',
      'ended (TypeError: not now)',
    ],
    [
      'cannot allocate',
      (worker: Worker) => worker.emit('error', new RangeError('Array buffer allocation failed')),
      'OOM',
      'ran out of memory (RangeError: Array buffer allocation failed)',
    ],
    [
      'fills its heap',
      (worker: Worker) => worker.emit('error', new Error(heapIsFull)),
      'OOM',
      `ran out of memory (${heapIsFull})`,
    ],
  ] as const;
  for (const [what, end, code, sentence] of sampled<(typeof deaths)[number]>([deaths[0]], deaths)) {
    test(`decode [2 workers]: one ${what} while it works → ${code}, and the next call works on new ones, none left over`, async () => {
      const taesd = await load({ workers: 2 });
      const seen = new Set<Worker>();
      await watching(
        (_, worker) => seen.add(worker),
        async () => {
          await taesd.decode(MIDDLE);
          const [first, second] = seen;
          const running = taesd.decode(TALL);
          setTimeout(() => end(first), 60);
          await expect(running).rejects.toThrow(
            expect.objectContaining({ code, message: `decode: a worker ${sentence}` }),
          );
          expect(same((await taesd.decode(SMALL)).data, small)).toBe(true);
          expect(same((await taesd.decode(MIDDLE)).data, middle)).toBe(true);
          expect(taesd.info.workers).toBe(2);
          for (const worker of [first, second]) {
            for (let n = 0; n < 5000 && worker.threadId !== -1; n++) await wait(20);
            expect(worker.threadId, 'the dead one and its neighbour have exited').toBe(-1);
          }
        },
      );
    });
  }

  test('WorkerPool: a source that throws → its error, and the next run works', async () => {
    const network = VARIANTS.taesd.networks.decoder;
    const pool = await WorkerPool.start({
      workers: 2,
      kernels: await compileKernels(),
      networks: [
        {
          network: bindNetwork('decoder', network, randomTensors('taesd', 'decoder')),
          precision: 'f32',
        },
      ],
      maxMemory: undefined,
    });
    try {
      const collect = async (source: ReturnType<typeof tensorRows>) => {
        let rows = 0;
        const span = { first: 0, end: 8 * source.height };
        for await (const { count } of pool.runner(0).batches(source, span, new Pacer(undefined))) {
          rows += count;
        }
        return rows;
      };
      const boom = new Error('from the source');
      const broken = {
        ...tensorRows(SMALL),
        read() {
          throw boom;
        },
      };
      const late = wait(PATIENCE_MS).then(() => 'still not settled');
      expect(await Promise.race([collect(broken).catch((error) => error), late])).toBe(boom);
      expect(await collect(tensorRows(SMALL))).toBe(64);
    } finally {
      pool.dispose();
    }
  });
});

/*
 * Processes of their own.
 */

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'taesd-workers-'));
beforeAll(() => writeFileSync(join(folder, 'decoder.safetensors'), DECODER));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Runs a script that has `Taesd`, `decoder` and `latents(height, width)`, from a file or as node's
 * argument `-e`.
 *
 * @param options  `flags`: node's own, before the script
 * @returns what it wrote, and how it ended
 */
function runScript(
  script: string,
  { dist = DIST, evaluate = false, flags = [] as readonly string[], limitMs = PATIENCE_MS } = {},
): Promise<{ stdout: string; stderr: string; code: number | null; signal: string | null }> {
  const source = `
    import { readFileSync } from 'node:fs';
    import { Taesd } from ${JSON.stringify(pathToFileURL(join(dist, 'index.js')).href)};
    const decoder = readFileSync(${JSON.stringify(join(folder, 'decoder.safetensors'))});
    const latents = (height, width) => ({
      shape: [1, 4, height, width],
      data: Float32Array.from({ length: 4 * height * width }, (_, i) => Math.sin(i)),
    });
    const sum = ({ data }) => data.reduce((a, b) => (Math.imul(a, 31) + b) | 0, 7);
    ${script}
  `;
  const file = join(folder, 'script.mjs');
  writeFileSync(file, source);
  const args = evaluate ? ['--input-type=module', '-e', source] : [file];
  const child = spawn(process.execPath, [...flags, ...args], { timeout: limitMs });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ stdout, stderr, code, signal }));
  });
}

/** A copy of dist/ that can be damaged. */
function copyDist(to: string): void {
  cpSync(DIST, to, { recursive: true });
  writeFileSync(join(to, '../package.json'), '{ "type": "module" }');
}

describe('processes', () => {
  test('process [2 workers]: no dispose, after load and after a picture → ends by itself within seconds', async () => {
    const decodes = 'console.log((await taesd.decode(latents(16, 16))).height);';
    for (const work of sampled([decodes], ['', decodes])) {
      const { stdout, stderr, code } = await runScript(`
        const taesd = await Taesd.load({ weights: { decoder }, only: 'decoder', workers: 2 });
        ${work}
      `);
      expect([stderr, code, stdout]).toEqual(['', 0, work === '' ? '' : '128\n']);
    }
  });

  testAtFullLength(
    'process [2 workers]: aborted, a loop left, iteration given up without return → ends by itself',
    async () => {
      const { stdout, stderr, code } = await runScript(`
      const taesd = await Taesd.load({ weights: { decoder }, only: 'decoder', workers: 2 });
      const signal = AbortSignal.timeout(30);
      await taesd.decode(latents(256, 256), { signal }).catch(({ code }) => console.log(code));
      for await (const { y } of taesd.decodeRows(latents(16, 16))) break;
      const rows = taesd.decodeRows(latents(16, 16));
      console.log((await rows.next()).value.y);
    `);
      expect([stderr, code, stdout]).toEqual(['', 0, 'ABORTED\n0\n']);
    },
  );

  testAtFullLength(
    'process [2 workers]: a script given as node --input-type=module -e → workers start all the same',
    async () => {
      const { stdout, stderr, code } = await runScript(
        `
      const taesd = await Taesd.load({ weights: { decoder }, only: 'decoder', workers: 2 });
      console.log(taesd.info.workers, taesd.info.workersReason);
    `,
        { evaluate: true },
      );
      expect([stderr, code, stdout]).toEqual(['', 0, '2 undefined\n']);
    },
  );

  testAtFullLength(
    'process [2 workers]: node started with flags of V8 → workers start all the same',
    async () => {
      const { stdout, stderr, code } = await runScript(
        `
      const taesd = await Taesd.load({ weights: { decoder }, only: 'decoder', workers: 2 });
      console.log((await taesd.decode(latents(16, 16))).height, typeof globalThis.gc);
      console.log(taesd.info.workers, taesd.info.workersReason);
    `,
        { flags: ['--expose-gc', '--max-old-space-size=512'] },
      );
      expect([stderr, code, stdout]).toEqual(['', 0, '128 function\n2 undefined\n']);
    },
  );

  test('process: dist without its worker → the same picture on one thread, and info says why', async () => {
    const dist = join(folder, 'dist');
    copyDist(dist);
    const script = `
      const weights = { decoder };
      const alone = await Taesd.load({ weights, workers: 0 });
      const taesd = await Taesd.load({ weights, workers: 2 });
      const picture = latents(9, 11);
      console.log(sum(await alone.decode(picture)) === sum(await taesd.decode(picture)));
      console.log(taesd.info.workers, taesd.info.workersReason);
    `;
    if (isFullLength) {
      const whole = await runScript(script, { dist });
      expect([whole.stderr, whole.stdout]).toEqual(['', 'true\n2 undefined\n']);
    }
    rmSync(join(dist, 'backend/wasm/worker.js'));
    const { stdout, stderr, code } = await runScript(script, { dist });
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(/^true\n0 a worker could not start \(Cannot find module .*worker\.js/);
    expect(stdout).not.toMatch(/out of memory/);
  });

  // The quick suite has a worker that is missing.
  testAtFullLength(
    'process: worker with a fault in it → the same picture on one thread, and info says why',
    async () => {
      const dist = join(folder, 'broken/dist');
      copyDist(dist);
      writeFileSync(join(dist, 'backend/wasm/worker.js'), "throw new Error('not today');");
      const { stdout, stderr, code } = await runScript(
        `
      const taesd = await Taesd.load({ weights: { decoder } });
      const { height } = await taesd.decode(latents(48, 48));
      const again = await taesd.decode(latents(8, 48));
      console.log(height, again.height, taesd.info.workers, taesd.info.workersReason);
    `,
        { dist },
      );
      expect([stderr, code]).toEqual(['', 0]);
      // A machine with one core wants no workers in the first place.
      expect(stdout).toMatch(/^384 64 0 (a worker could not start \(not today\)|undefined\n$)/);
      expect(stdout).not.toMatch(/out of memory/);
    },
  );
});

describe('memory', () => {
  const MIB = 2 ** 20;

  testAtFullLength(
    'info [0 workers]: latents 300×4 decoded, aborted, or left in the middle → within 64 MiB of memory after load',
    async () => {
      const taesd = await load({ workers: 0 });
      const before = taesd.info.memoryBytes;
      const wide = latentsOf(4, 300);
      let most = 0;
      for await (const _ of taesd.decodeRows(wide)) most = Math.max(most, taesd.info.memoryBytes);
      expect(most, 'a picture that is wide enough to matter').toBeGreaterThan(before + 64 * MIB);
      expect(taesd.info.memoryBytes).toBeLessThanOrEqual(before + 64 * MIB);
      await taesd.decode(wide);
      expect(taesd.info.memoryBytes).toBeLessThanOrEqual(before + 64 * MIB);
      const signal = AbortSignal.timeout(60);
      await expect(taesd.decode(latentsOf(100, 300), { signal })).rejects.toThrow(
        /^decode: aborted \(/,
      );
      expect(taesd.info.memoryBytes, 'after an abort').toBeLessThanOrEqual(before + 64 * MIB);
      for await (const _ of taesd.decodeRows(wide)) break;
      expect(taesd.info.memoryBytes, 'after leaving').toBeLessThanOrEqual(before + 64 * MIB);
      expect(same((await taesd.decode(SMALL)).data, small)).toBe(true);
    },
  );

  testAtFullLength(
    'info [2 workers]: latents 300×4 decoded, or aborted → each within 64 MiB of its memory for a small picture',
    async () => {
      const taesd = await load({ workers: 2 });
      // A span for each.
      await taesd.decode(latentsOf(8, 2));
      const before = taesd.info.memoryBytes;
      await taesd.decode(latentsOf(8, 300));
      expect(taesd.info.memoryBytes).toBeLessThanOrEqual(before + 2 * 64 * MIB);
      const controller = new AbortController();
      const cut = taesd.decode(latentsOf(200, 300), { signal: controller.signal });
      setTimeout(() => controller.abort(), 40);
      await expect(cut).rejects.toMatchObject({ code: 'ABORTED' });
      expect(taesd.info.memoryBytes, 'aborted').toBeLessThanOrEqual(before + 2 * 64 * MIB);
      expect(same((await taesd.decode(SMALL)).data, small)).toBe(true);
    },
  );

  const sizes = [
    [64, 64],
    [512, 64],
  ];
  for (const [height, width] of sampled([[16, 64]], sizes)) {
    test(`info [0 workers]: decoder alone, latents ${width}×${height}, f32 → at most 66e6 bytes`, async () => {
      const taesd = await load({ workers: 0 });
      let rows = 0;
      for await (const batch of taesd.decodeRows(latentsOf(height, width))) {
        rows += (batch satisfies PixelRows).rows;
      }
      expect(rows).toBe(8 * height);
      if (process.env.MEASURE) console.log(`${width}×${height}`, taesd.info.memoryBytes);
      expect(taesd.info.memoryBytes).toBeLessThanOrEqual(66e6);
    });
  }
});
