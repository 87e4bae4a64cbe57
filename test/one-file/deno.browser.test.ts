import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Taesd } from '../../src/taesd.ts';
import { HASH } from '../hash.ts';
import { deno } from '../webgpu/run-remotely.ts';
import { serveDist } from './other-origin.ts';

/*
 * The package by address in Deno.
 */

if (deno === undefined && process.env.CI) {
  throw new Error('no Deno here, and CI must not skip the test of the package by address');
}
if (deno === undefined) {
  console.warn(
    'skipping the package by address in Deno: none (npm run test:runtimes installs one)',
  );
}

const LATENTS = `{
  shape: [1, 4, 40, 24],
  data: Float32Array.from({ length: 4 * 40 * 24 }, (_, i) => 2 * Math.sin(i / 7)),
}`;

const evaluate = <Value>(code: string): Value => new Function(`return ${code}`)();

test.skipIf(deno === undefined)(
  'both files and the single modules by address in Deno → 2 workers, the bytes of Node',
  async () => {
    const taesd = await Taesd.load({ model: 'nano', workers: 0 });
    const { data } = await taesd.decode(evaluate(LATENTS));
    const hash = evaluate<(bytes: ArrayLike<number>) => number>(HASH)(data);
    taesd.dispose();
    const folder = mkdtempSync(join(tmpdir(), 'taesd-deno-'));
    const cdn = await serveDist();
    try {
      // Static imports, as a program has them.
      const program = `
        import { nano } from '${cdn.url}nano.js';
        import * as min from '${cdn.url}taesd.min.js';
        import * as all from '${cdn.url}taesd.all.min.js';
        import * as modules from '${cdn.url}index.js';
        const found = [];
        for (const { Taesd } of [min, all, modules]) {
          const taesd = await Taesd.load({ ...nano(), workers: 2 });
          const { data } = await taesd.decode(${LATENTS});
          found.push({ workers: taesd.info.workers, hash: (${HASH})(data) });
          taesd.dispose();
        }
        console.log(JSON.stringify(found));`;
      writeFileSync(join(folder, 'program.mjs'), program);
      const decoded = { workers: 2, hash };
      expect(JSON.parse(await run(folder, 'program.mjs'))).toEqual([decoded, decoded, decoded]);
    } finally {
      cdn.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** Runs a program in Deno, whose cache is in the folder. Returns its output. */
function run(folder: string, program: string): Promise<string> {
  const env = { ...process.env, DENO_DIR: join(folder, 'cache'), NO_COLOR: '1' };
  const running = spawn(deno ?? '', ['run', '-A', '--quiet', program], { cwd: folder, env });
  let [stdout, stderr] = ['', ''];
  running.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  running.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    running.on('error', reject);
    running.on('close', (code) => (code === 0 ? resolve(stdout) : reject(new Error(stderr))));
  });
}
