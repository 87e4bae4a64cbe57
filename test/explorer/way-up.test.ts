import { expect, test } from 'vitest';
import type { StepView } from '../../explorer/src/engine/protocol.ts';
import { brightestSquare } from '../../explorer/src/measure/brightest.ts';
import { croppedMap, croppedPicture } from '../../explorer/src/measure/crop.ts';
import { fitted, mirrored } from '../../explorer/src/measure/fit.ts';
import { levelsOf, stopsOf, strongest } from '../../explorer/src/measure/levels.ts';
import { measureSquares } from '../../explorer/src/measure/squares.ts';
import {
  brightestFollower,
  eightBitText,
  followerText,
  timesFewer,
} from '../../explorer/src/text/latent.ts';
import {
  busiest,
  levelName,
  smoothText,
  stopText,
  timesText,
  workText,
} from '../../explorer/src/text/way-up.ts';

/** A layer of a decoder, with maps of one number. */
function step(
  index: number,
  kind: string,
  { from, to, work = 0 }: { from: [number, number]; to: [number, number]; work?: number },
): StepView {
  return {
    name: `decoder.${index}`,
    index,
    layer: { kind },
    inputShape: [1, from[0], from[1], from[1]],
    shape: [1, to[0], to[1], to[1]],
    multiplyAdds: work,
    elapsedMs: 1,
    channels: [
      { min: 0, max: 1, zeros: 0 },
      { min: -1, max: 1, zeros: 0 },
    ],
  } as unknown as StepView;
}

const DECODER = [
  step(0, 'clamp', { from: [4, 2], to: [4, 2] }),
  step(1, 'conv', { from: [4, 2], to: [8, 2], work: 10 }),
  step(2, 'upsample2x', { from: [8, 2], to: [8, 4] }),
  step(3, 'conv', { from: [8, 4], to: [12, 4], work: 30 }),
  step(4, 'pixelShuffle', { from: [12, 4], to: [3, 8] }),
];

test('layers of a decoder → levels by the size of their maps, with the sum of their work', () => {
  const levels = levelsOf(DECODER);
  expect(levels.map(({ factor, steps }) => [factor, steps.length])).toEqual([
    [1, 2],
    [2, 2],
    [4, 1],
  ]);
  expect(levels.map(({ multiplyAdds }) => multiplyAdds)).toEqual([10, 30, 0]);
  expect(levels.map(({ elapsedMs }) => elapsedMs)).toEqual([2, 2, 1]);
  expect(busiest(levels).factor).toBe(2);
  expect(levels.map((level) => levelName(level, 4))).toEqual(['1/4 size', '1/2 size', 'full size']);
  expect(workText(levels[1], levels, 4)).toBe(
    "At 1/2 size the maps have 4 times the latent's places, and its 2 layers take 75\u00a0% of all multiply-adds.",
  );
});

test('layers of a decoder → the first convolution, those that make the maps larger, the last', () => {
  const stops = stopsOf(DECODER);
  expect(stops.map((stop) => stop.step.index)).toEqual([1, 2, 4]);
  expect(stops.map((stop) => stop.before?.index)).toEqual([undefined, 1, 3]);
  expect(stops.map((stop) => stop.after?.index)).toEqual([undefined, 3, undefined]);
  expect(stops.map((stop) => stop.isLast)).toEqual([false, false, true]);
  expect(stops.map(({ factor }) => factor)).toEqual([1, 2, 4]);
  expect(timesText(stops)).toBe('Its maps grow twice: one place becomes 2×2, then 4×4.');
  expect(stops.map(stopText)).toEqual([
    'The first convolution makes 8 numbers of 4 at each place.',
    'The upsampling writes each number four times, as a square of 2×2.',
    'The pixel shuffle computes nothing. It lays out the 12 numbers of one place as 2×2 places with 3 numbers each.',
  ]);
  expect(stopsOf([])).toEqual([]);
  expect(strongest(DECODER[0])).toBe(1);
});

test('an upsampled map → all squares equal; another map → the steps inside and between', () => {
  const upsampled = new Float32Array([1, 1, 5, 5, 1, 1, 5, 5, 2, 2, 2, 2, 2, 2, 2, 2]);
  const before = measureSquares({ width: 4, height: 4, data: upsampled }, 2);
  // Between: 4 twice across, 1, 1, 3, 3 down, 0 twice across.
  expect(before).toEqual({ equal: 1, inside: 0, between: 2 });
  const after = measureSquares({ width: 2, height: 2, data: new Float32Array([1, 2, 3, 4]) }, 2);
  expect(after).toEqual({ equal: 0, inside: 1.5, between: 0 });
  expect(smoothText(before, { equal: 0, inside: 1, between: 2 })).toBe(
    'Before it, 100\u00a0% of the squares hold equal numbers; after it, none. Steps inside squares are now 50\u00a0% as large as those between them.',
  );
});

test('a part that reaches past a map → 0, past a picture → transparent', () => {
  const map = { width: 2, height: 2, data: new Float32Array([1, 2, 3, 4]) };
  expect([...croppedMap(map, { x: 1, y: 1, width: 2, height: 2 }).data]).toEqual([4, 0, 0, 0]);
  const picture = { width: 1, height: 1, data: new Uint8ClampedArray([9, 8, 7, 255]) };
  expect([...croppedPicture(picture, { x: -1, y: 0, width: 2, height: 1 }).data]).toEqual([
    ...[0, 0, 0, 0],
    ...[9, 8, 7, 255],
  ]);
});

const grey = (width: number, height: number, bytes: readonly number[]) => ({
  width,
  height,
  data: new Uint8ClampedArray(bytes.flatMap((byte) => [byte, byte, byte, 255])),
});
const reds = ({ data }: { data: Uint8ClampedArray }) => [...data].filter((_, at) => at % 4 === 0);

test('a picture → mirrored; fitted to another size → cut evenly, pixels averaged', () => {
  expect(reds(mirrored(grey(3, 1, [1, 2, 3])))).toEqual([3, 2, 1]);
  expect(reds(fitted(grey(4, 2, [1, 10, 20, 1, 1, 30, 40, 1]), { width: 1, height: 1 }))).toEqual([
    25,
  ]);
  expect(reds(fitted(grey(1, 1, [7]), { width: 2, height: 2 }))).toEqual([7, 7, 7, 7]);
  const same = grey(2, 1, [1, 2]);
  expect(fitted(same, { width: 2, height: 1 })).toBe(same);
});

test('a picture → its brightest square, in places of the latent', () => {
  const bytes = [0, 0, 0, 0, 0, 0, 200, 255, 0, 0, 255, 255];
  expect(brightestSquare(grey(4, 3, bytes), 1, 2)).toEqual({ x: 2, y: 1, width: 2, height: 2 });
  expect(brightestSquare(grey(4, 3, bytes), 4, 5)).toEqual({ x: 0, y: 0, width: 1, height: 1 });
});

const follows = (channel: number, luma: number | undefined) => ({
  ...{ channel, luma, isConstant: false, red: undefined, blue: undefined },
});

test('what channels follow → the channel that follows brightness most, with its sign', () => {
  expect(brightestFollower([follows(0, 0.5), follows(1, -0.9)])?.channel).toBe(1);
  expect(followerText([follows(0, 0.5), follows(1, -0.9)])).toBe(
    'channel 1 follows brightness most (correlation −0.90, upside down)',
  );
  expect(followerText([follows(0, 0.29), follows(1, undefined)])).toBe(
    'none of them follows brightness alone',
  );
  expect(followerText([])).toBe('none of them follows brightness alone');
});

test('counts → how many times fewer; 8 bits → bytes and dB', () => {
  expect(timesFewer(196608, 4096)).toBe('48');
  expect(timesFewer(100, 30)).toBe('3.3');
  expect(eightBitText(4096, { plain: 32.191, bytes: 32.1 })).toBe(
    '4,096 bytes instead of 16,384. The picture: 32.10 dB instead of 32.19.',
  );
  expect(eightBitText(4096, { plain: undefined, bytes: 32 })).toBe(
    '4,096 bytes instead of 16,384.',
  );
});
