import { expect } from 'vitest';
import { decodePng, encodePng } from '../../src/png/index.ts';
import { sharedFile, testShared } from '../shared.ts';

for (const [name, width, height] of [
  ['astronaut', 512, 512],
  ['chelsea', 451, 300],
  ['logo', 500, 500],
] as const) {
  testShared(`decodePng: ${name} → ${width}×${height}, opaque, round trip equal`, () => {
    const decoded = decodePng(sharedFile(`images/${name}.png`));
    expect([decoded.width, decoded.height]).toEqual([width, height]);
    expect(decoded.data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
    const again = decodePng(encodePng(decoded));
    expect(Buffer.compare(again.data, decoded.data)).toBe(0);
  });
}
