import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodePng, encodePng } from '../../src/png/index.ts';

const FOLDER = new URL('../../../shared/images/', import.meta.url);
const isPresent = existsSync(FOLDER);
if (!isPresent) console.log(`real pictures: skipped, ${FOLDER.pathname} is absent`);

for (const [name, width, height] of [
  ['astronaut', 512, 512],
  ['chelsea', 451, 300],
  ['logo', 500, 500],
] as const) {
  test.skipIf(!isPresent)(
    `decodePng: ${name} → ${width}×${height}, opaque, round trip equal`,
    () => {
      const decoded = decodePng(readFileSync(new URL(`${name}.png`, FOLDER)));
      expect([decoded.width, decoded.height]).toEqual([width, height]);
      expect(decoded.data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
      const again = decodePng(encodePng(decoded));
      expect(Buffer.compare(again.data, decoded.data)).toBe(0);
    },
  );
}
