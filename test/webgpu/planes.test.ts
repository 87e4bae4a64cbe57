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

test('rowBatches: bytes of a picture → numbers that round to them again', () => {
  const planes = Uint8Array.from({ length: 4 * 16 * 16 }, (_, n) => n);
  const [batch] = rowBatches(planes, { first: 3, end: 19 }, [3, 40, 16]);
  expect([batch.first, batch.count, batch.stride]).toEqual([3, 16, 4]);
  expect(Uint8Array.from(batch.data, (value) => Math.floor(value * 255 + 0.5))).toEqual(planes);
});
