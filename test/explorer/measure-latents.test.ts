import type { Picture, Tensor } from 'taesd-wasm';
import { expect, test } from 'vitest';
import { blockMeans, correlation, follows } from '../../explorer/src/measure/follows.ts';
import {
  begun,
  canRedo,
  canUndo,
  changed,
  redone,
  replaced,
  undone,
} from '../../explorer/src/measure/history.ts';
import { brushed, eightBit, mixed, shifted, stamped } from '../../explorer/src/measure/paint.ts';

const tensor = (shape: number[], data: number[]): Tensor => ({
  shape,
  data: Float32Array.from(data),
});

const zeros = (shape: number[]): Tensor =>
  tensor(shape, Array(shape.reduce((a, b) => a * b)).fill(0));

/** Returns a picture whose squares of 2×2 pixels have these colours, row by row. */
function squares(colours: readonly (readonly number[])[], across: number): Picture {
  const [width, height] = [2 * across, (2 * colours.length) / across];
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const colour = colours[Math.floor(y / 2) * across + Math.floor(x / 2)];
      data.set([...colour, 255], 4 * (y * width + x));
    }
  }
  return { width, height, data };
}

test('correlation: a line, its mirror, a constant, NaN → 1, −1, undefined, undefined', () => {
  const line = Float32Array.of(1, 2, 3);
  expect(correlation(line, Float32Array.of(10, 20, 30))).toBeCloseTo(1, 12);
  expect(correlation(line, Float32Array.of(3, 2, 1))).toBeCloseTo(-1, 12);
  expect(correlation(line, Float32Array.of(5, 5, 5))).toBeUndefined();
  expect(correlation(line, Float32Array.of(1, Number.NaN, 2))).toBeUndefined();
  expect(correlation(Float32Array.of(1, 2, 3, 4), Float32Array.of(1, -1, 1, -1))).toBeCloseTo(
    -0.4472,
    4,
  );
});

test('block means: a picture that ends in the middle of squares → the mean of what is there', () => {
  const data = new Uint8ClampedArray(4 * 9).fill(255);
  for (let at = 0; at < 9; at++) data[4 * at] = 10 * at;
  const { width, height, data: means } = blockMeans({ width: 3, height: 3, data }, 2);
  expect([width, height]).toEqual([2, 2]);
  const reds = [...means.subarray(0, 4)].map((value) => Math.round(255 * value));
  expect(reds).toEqual([20, 35, 65, 80]);
});

test('follows: channels of luma, of red, constant → 1; near 1; undefined', () => {
  const colours = [
    [200, 40, 40],
    [40, 40, 200],
    [250, 250, 250],
    [0, 0, 0],
  ];
  const luma = colours.map(([r, g, b]) => (0.299 * r + 0.587 * g + 0.114 * b) / 255);
  const red = colours.map(([r], i) => r / 255 - luma[i]);
  const data = [...luma, ...red.map((value) => -value), 3, 3, 3, 3];
  const found = follows(tensor([1, 3, 2, 2], data), squares(colours, 2), 2);
  expect(found[0].luma).toBeCloseTo(1, 6);
  expect(found[1].red).toBeCloseTo(-1, 6);
  expect(found[1].isConstant).toBe(false);
  expect(found[2]).toEqual({
    ...{ channel: 2, isConstant: true, luma: undefined, red: undefined, blue: undefined },
  });
});

test('follows: a grey picture → no correlation with colours', () => {
  const greys = [10, 90, 170, 33].map((value) => [value, value, value]);
  const [found] = follows(tensor([1, 1, 2, 2], [1, 2, 3, 4]), squares(greys, 2), 2);
  expect(found.luma).toBeDefined();
  expect([found.red, found.blue]).toEqual([undefined, undefined]);
});

test('follows: latents of another picture → RangeError', () => {
  const picture = squares([[0, 0, 0]], 1);
  expect(() => follows(zeros([1, 1, 2, 2]), picture, 2)).toThrow(
    new RangeError('"latents" expected 1×1 places, got 2×2'),
  );
});

test('brush: radius 1 → one number; radius 2 at a corner → cut; undefined → all channels', () => {
  const latents = zeros([1, 2, 3, 3]);
  const spot = { channel: 1, y: 1, x: 1, value: 2, radius: 1 };
  expect([...brushed(latents, spot).data.subarray(9)]).toEqual([0, 0, 0, 0, 2, 0, 0, 0, 0]);
  const corner = brushed(latents, { ...spot, channel: undefined, y: 0, x: 0, radius: 2 });
  const quarter = [2, 2, 0, 2, 2, 0, 0, 0, 0];
  expect([...corner.data]).toEqual([...quarter, ...quarter]);
  expect(latents.data.every((value) => value === 0)).toBe(true);
});

test('stamp: an area onto one that overlaps it, and over the edge → a clean copy', () => {
  const latents = tensor([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
  const area = { x: 0, y: 0, width: 3, height: 2 };
  expect([...stamped(latents, area, { y: 0, x: 1 }).data]).toEqual([1, 1, 2, 3, 5, 5, 6, 7]);
  expect([...stamped(latents, area, { y: 1, x: -1 }).data]).toEqual([1, 2, 3, 4, 2, 3, 7, 8]);
});

test('shift: one number a channel; channels without one stay', () => {
  const latents = tensor([1, 3, 1, 2], [0, 1, 0, 1, 0, 1]);
  expect([...shifted(latents, [2, -1]).data]).toEqual([2, 3, -1, 0, 0, 1]);
});

test('mix: 0, a quarter, 1 → one, between, the other; other shapes → RangeError', () => {
  const [one, other] = [tensor([1, 1, 1, 2], [0, 8]), tensor([1, 1, 1, 2], [4, 0])];
  expect(mixed(one, other, 0)).toEqual(one);
  expect([...mixed(one, other, 0.25).data]).toEqual([1, 6]);
  expect(mixed(one, other, 1)).toEqual(other);
  expect(() => mixed(one, zeros([1, 1, 2, 1]), 0.5)).toThrow(
    new RangeError('"other" expected shape [1,1,1,2], got [1,1,2,1]'),
  );
});

test('eight bits: numbers in ±3 → within half a step of 0.0235; others → ±3', () => {
  const latents = tensor([1, 1, 1, 5], [-5, -1.234, 0, 2.999, 4]);
  const { data } = eightBit(latents);
  expect([data[0], data[4]]).toEqual([-3, 3]);
  for (const at of [1, 2, 3]) expect(Math.abs(data[at] - latents.data[at])).toBeLessThan(0.0118);
});

test('history: change, stroke, undo, redo, another change → as an editor does', () => {
  let history = begun('a');
  expect([canUndo(history), canRedo(history)]).toEqual([false, false]);
  expect(undone(history)).toBe(history);
  expect(redone(history)).toBe(history);
  history = replaced(changed(history, 'b'), 'b2');
  history = changed(history, 'c');
  expect(undone(history).present).toBe('b2');
  expect(undone(undone(history)).present).toBe('a');
  expect(redone(redone(undone(undone(history)))).present).toBe('c');
  const other = changed(undone(history), 'd');
  expect([canUndo(other), canRedo(other)]).toEqual([true, false]);
});

test('history: 60 changes → the last 50 can be undone', () => {
  let history = begun(0);
  for (let n = 1; n <= 60; n++) history = changed(history, n);
  while (canUndo(history)) history = undone(history);
  expect(history.present).toBe(10);
});
