import { expect, test } from 'vitest';
import { renderPicture } from '../../examples/render-picture.mjs';
import { writeSample } from '../../explorer/plugins/sample.ts';
import { readSample } from '../../explorer/src/stores/sample.ts';
import { rgba } from './rgba.ts';

const stream = (bytes: Uint8Array) => new Blob([Uint8Array.from(bytes)]).stream();

test('the sample, written and read → the picture as it was drawn, opaque', async () => {
  const drawn = renderPicture(48);
  const read = await readSample(stream(writeSample(drawn)), 48);
  expect([read.width, read.height]).toEqual([48, 48]);
  expect([...read.data]).toEqual([...rgba(drawn).data]);
});

test('a sample of another size → an error with both counts', async () => {
  const bytes = writeSample(renderPicture(16));
  await expect(readSample(stream(bytes), 32)).rejects.toThrow(
    'The sample has 768 bytes. Expected 3072.',
  );
});
