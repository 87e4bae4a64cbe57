import { type Network, VARIANTS } from 'taesd-wasm';
import { expect, test } from 'vitest';
import { inputOf, PICTURE } from '../../explorer/src/measure/way-down.ts';
import { ordinal } from '../../explorer/src/text/measured.ts';

const stepsOf = (networks: Readonly<Record<string, Network>>) =>
  ['encoder', 'decoder'].flatMap((half) =>
    networks[half].map((layer, index) => ({ name: `${half}.${index}`, layer })),
  );

const TAESD = stepsOf(VARIANTS.taesd.networks);
const last = TAESD.filter(({ name }) => name.startsWith('encoder.')).at(-1)?.name as string;

test.each([
  ['encoder.0', PICTURE],
  ['encoder.1', 'encoder.0'],
  ['encoder.1.conv.0', 'encoder.0'],
  ['encoder.1.conv.1', 'encoder.1.conv.0'],
  ['encoder.1.conv.4', 'encoder.1.conv.3'],
  ['encoder.1.fuse', 'encoder.1.add'],
  ['encoder.1.add', 'encoder.1.conv.4'],
  ['decoder.0', last],
  ['decoder.4.conv.0', 'decoder.3'],
])('%s reads → %s', (name, made) => {
  expect(inputOf(name, TAESD)).toBe(made);
});

test('the second input of a sum → what the skip connection carries', () => {
  expect(inputOf('encoder.3.add', TAESD, 1)).toBe('encoder.2');
});

test('every layer of every model → the way down ends at the picture', () => {
  for (const { networks, name: model } of Object.values(VARIANTS)) {
    const steps = stepsOf(networks);
    let name = steps.at(-1)?.name as string;
    let count = 0;
    for (; name !== PICTURE; count++) name = inputOf(name, steps);
    expect(count, model).toBe(steps.length);
  }
});

test('ordinals', () => {
  const places = [1, 2, 3, 4, 11, 12, 13, 21, 22, 33, 64, 111, 112];
  expect(places.map(ordinal).join(' ')).toBe(
    '1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 33rd 64th 111th 112th',
  );
});
