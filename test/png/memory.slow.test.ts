import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
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
 * Measured on an EPYC in Node 20, seconds of processor time: 11585² SECONDS_A, 1×45,000,000
 * SECONDS_B. A test asserts no time.
 */
for (const [width, height, kilobytes] of [
  [11585, 11585, 17],
  [1, 45_000_000, 90],
] as const) {
  test(`decodePng: ${width}×${height} of 1 bit, in ${kilobytes} kB → its pixels, its scanlines and 24 MiB`, () => {
    const path = join(folder, 'large.png');
    const png = black(width, height);
    expect(png.length).toBeLessThan(1000 * kilobytes);
    writeFileSync(path, png);
    const args = ['--input-type=module', '-e', READ, path, join(folder, 'small.png')];
    const { stdout, stderr } = spawnSync(process.execPath, [...args, `${width * height}`]);
    expect(stderr.toString()).toBe('');
    const { peak, seconds, ...picture } = JSON.parse(stdout.toString());
    console.log(`${width}×${height}: ${(peak / MIB).toFixed(0)} MiB, ${seconds.toFixed(2)} s`);
    const bytes = 4 * width * height;
    expect(picture).toEqual({ width, height, bytes });
    const scanlines = height * (1 + Math.ceil(width / 8));
    expect(peak).toBeGreaterThan(bytes);
    expect(peak).toBeLessThan(bytes + scanlines + OTHER);
  });
}
