import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { buildPack } from '../../../examples/comfyui/build.mjs';
import { decodeFrame, encodeFrame } from '../../../src/preview/index.ts';
import type { Tensor } from '../../../src/tensor.ts';
import { needs, PYTHON } from '../../python.ts';

/*
 * The Python half of examples/comfyui, against stand-ins for ComfyUI's modules with the functions
 * that it uses. Its frames must be those that this package makes of the same numbers.
 */

const folder = mkdtempSync(join(tmpdir(), 'taesd-comfyui-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly images: unknown[];
  readonly sent: { event: string; data: { frame: string; node: string }; sid: string }[];
  readonly taesd: string | null;
  readonly wrapped: string;
}

/** The numbers of drive.py: (37 i mod 101) / 25 − 2. */
function numbers(shape: readonly number[], scale = 1): Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length }, (_, i) => ((37 * i) % 101) / 25 - 2);
  return { shape, data: data.map((x) => x * scale) };
}

/** The first numbers of a tensor, in another shape. */
const first = ({ data }: Tensor, shape: readonly number[]): Tensor => ({
  shape,
  data: data.slice(
    0,
    shape.reduce((a, b) => a * b, 1),
  ),
});

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

test('the pack in a stand-in for ComfyUI → a frame for each step, beside the usual preview', ({
  skip,
}) => {
  needs(['numpy', 'torch'], skip);
  buildPack(folder);
  const driver = fileURLToPath(new URL('drive.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-B', driver, folder], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const { pack, logged, ...runs } = JSON.parse(stdout) as Record<string, Run> & {
    pack: unknown;
    logged: string[];
  };
  expect(pack).toEqual({ nodes: {}, web: './web' });

  const two = numbers([2, 4, 8, 12]);
  const frame = (latents: Tensor, model: 'taesd' | 'taesd3', step: number, steps: number) =>
    base64(encodeFrame(latents, { model, step, steps }));
  const sent = (text: string) => ({
    event: 'taesd-wasm.latents',
    data: { frame: text, node: '3' },
    sid: 'client',
  });
  const halved = numbers([2, 4, 8, 12], 0.5);
  expect(runs.batch).toEqual({
    images: Array(2).fill(['JPEG', 'picture of (2, 4, 8, 12)', 512]),
    sent: [
      sent(frame(first(two, [1, 4, 8, 12]), 'taesd', 0, 20)),
      sent(frame(first(halved, [1, 4, 8, 12]), 'taesd', 1, 20)),
    ],
    taesd: 'the usual decoder',
    wrapped: 'LatentSender',
  });

  const { data } = numbers([1, 16, 3, 4, 6]);
  const frames = Float32Array.from({ length: 16 * 24 }, (_, i) => {
    const channel = Math.floor(i / 24);
    return data[channel * 3 * 24 + (i % 24)];
  });
  expect(runs.video.sent).toEqual([
    sent(frame({ shape: [1, 16, 4, 6], data: frames }, 'taesd3', 0, 4)),
  ]);

  // bfloat16 and float16 become float32 exactly; here only what the frame says is looked at.
  const facts = (run: Run) => {
    const { model, space, step, steps, latents } = decodeFrame(run.sent[0].data.frame);
    return { model, space, step, steps, shape: latents.shape };
  };
  const of = (model: string, shape: number[], steps: number) => ({
    ...{ model, shape, steps, space: 'diffusion', step: 0 },
  });
  expect(facts(runs.sdxl)).toEqual(of('taesdxl', [1, 4, 8, 8], 1));
  expect(facts(runs.flux)).toEqual(of('taef1', [1, 16, 6, 4], 4));

  expect(runs.unknown).toMatchObject({ sent: [], wrapped: 'Usual' });
  expect(runs.off).toEqual({ images: [], sent: [], taesd: null, wrapped: 'NoneType' });
  expect(runs.broken.sent).toEqual([]);
  expect(runs.broken.images).toHaveLength(2);
  expect(logged).toEqual(['taesd-wasm: latents could not be sent to the page']);
});
