import { expect, test } from 'vitest';
import { rowBatches } from '../../src/backend/webgpu/planes.ts';

for (const channels of [3, 16]) {
  test(`rowBatches: ${channels} channels, planes that go with their device between two batches → an error, no rows of nothing`, () => {
    const [width, height] = [512, 600];
    const planes = new Float32Array(Math.ceil(channels / 4) * 4 * width * height).fill(1);
    const batches = rowBatches(planes, { first: 0, end: height }, [channels, height, width]);
    const first = batches.next().value;
    expect(first?.count).toBeLessThan(height);
    expect(first?.data.every((value) => value === 1)).toBe(true);
    structuredClone(planes.buffer, { transfer: [planes.buffer] });
    expect(() => batches.next()).toThrow(TypeError);
  });
}
