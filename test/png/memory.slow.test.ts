import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePng } from '../../src/png/index.ts';
import { chunk, file, IEND, ihdr } from './build-png.ts';

/*
 * The memory and the processor time that small files of large pictures take. A process reads each
 * with the package, and reports its largest resident set.
 */

const MIB = 2 ** 20;
/** Memory beside pixels and scanlines: heap, compiled code, tables. */
const OTHER = 24 * MIB;

const READ = `
  import { readFileSync } from 'node:fs';
  import { decodePng } from ${JSON.stringify(new URL('../../dist/png/index.js', import.meta.url).href)};
  const [path, small, maxPixels] = process.argv.slice(1);
  // Code is compiled before the measurement.
  decodePng(readFileSync(small));
  const png = readFileSync(path);
  const before = process.memoryUsage().rss;
  const start = process.cpuUsage();
  const { width, height, data } = decodePng(png, { maxPixels: Number(maxPixels) });
  const { user, system } = process.cpuUsage(start);
  const peak = 1024 * process.resourceUsage().maxRSS - before;
  console.log(JSON.stringify({ width, height, bytes: data.length, peak, seconds: (user + system) / 1e6 }));`;

/** A grey picture of 1 bit, all black. */
const black = (width: number, height: number): Uint8Array =>
  file(
    ihdr({ width, height, depth: 1, colourType: 0 }),
    chunk('IDAT', deflateSync(new Uint8Array(height * (1 + Math.ceil(width / 8))), { level: 9 })),
    IEND,
  );

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'taesd-memory-'));
  writeFileSync(join(folder, 'small.png'), black(8, 8));
});
afterAll(() => rmSync(folder, { recursive: true }));

/*
 * Node 20 on two cores of an EPYC: 11585² takes 528 MiB and 0.8 s of processor time, 1×45,000,000
 * takes 258 MiB and 1.2 s. No test asserts a time.
 */
for (const [width, height, kilobytes, limit] of [
  [11585, 11585, 17, 'at most 67108864 pixels, got 11585×11585 = 134212225'],
  [1, 45_000_000, 90, 'at most 1048576 rows, got 45000000'],
] as const) {
  test(`decodePng: ${width}×${height} of 1 bit, in ${kilobytes} kB → LIMIT; with maxPixels its pixels, scanlines and 24 MiB`, () => {
    const path = join(folder, 'large.png');
    const png = black(width, height);
    expect(png.length).toBeLessThan(1000 * kilobytes);
    expect(() => decodePng(png)).toThrow(
      expect.objectContaining({
        code: 'LIMIT',
        message: `decodePng: "IHDR at byte 8" expected ${limit} (option maxPixels)`,
      }),
    );
    writeFileSync(path, png);
    const args = ['--input-type=module', '-e', READ, path, join(folder, 'small.png')];
    const { stdout, stderr } = spawnSync(process.execPath, [...args, `${width * height}`]);
    expect(stderr.toString()).toBe('');
    const { peak, seconds, ...picture } = JSON.parse(stdout.toString());
    console.log(`${width}×${height}: ${Math.round(peak / MIB)} MiB, ${seconds.toFixed(2)} s`);
    const bytes = 4 * width * height;
    expect(picture).toEqual({ width, height, bytes });
    const scanlines = height * (1 + Math.ceil(width / 8));
    expect(peak).toBeGreaterThan(bytes);
    expect(peak).toBeLessThan(bytes + scanlines + OTHER);
  });
}
