import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeFrame } from '../../src/preview/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { FrameSplitter } from '../../src/wire/splitter.ts';
import { sha256 } from '../dream/loaded.ts';
import { chromium, runOnPage } from '../page.ts';
import { EXAMPLES, needs, PYTHON } from '../python.ts';

/*
 * `dream` in torch, its predicted pictures as frames on a WebSocket, and a page that shows them.
 */

const folder = mkdtempSync(join(tmpdir(), 'taesd-stream-'));
afterAll(() => rmSync(folder, { recursive: true }));

if (chromium === undefined) console.warn('skipping tests of streams: no chromium here');

describe.skipIf(chromium === undefined)('python → WebSocket → chromium', () => {
  for (const [dtype, seeds, steps] of [
    ['u8', ['7', '8'], 8],
    ['f16', ['9'], 4],
  ] as const) {
    test(`dream in torch, ${dtype} → each step’s picture, with the bytes that Node decodes`, async ({
      skip,
    }) => {
      needs(['numpy', 'torch', 'websockets'], skip);
      const file = join(folder, `${dtype}.frames`);
      const python = spawn(
        PYTHON,
        [
          ...[join(EXAMPLES, 'dream_stream.py'), '--port', '0', '--each', '--save', file],
          ...['--seeds', ...seeds, '--steps', `${steps}`, '--dtype', dtype],
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const ended = new Promise((resolve) => python.on('close', resolve));
      const port = await new Promise<number>((resolve, reject) => {
        python.stdout.once('data', (data) => resolve(Number.parseInt(`${data}`, 10)));
        python.once('close', () => reject(new Error('the sender ended')));
      });
      const shown = (await runOnPage(`
        const { Taesd } = await import('/dist/index.js');
        const { previewFrom } = await import('/dist/preview/index.js');
        const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 1 });
        const canvas = document.body.appendChild(document.createElement('canvas'));
        const frames = [];
        const preview = previewFrom(new WebSocket('ws://127.0.0.1:${port}'), nano, {
          onFrame({ width, height, data }, { step, steps, model }) {
            Object.assign(canvas, { width, height });
            canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0);
            const { data: drawn } = canvas.getContext('2d').getImageData(0, 0, width, height);
            frames.push({ width, height, step, steps, model, drawn });
          },
        });
        await preview.done;
        const hex = async (data) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', data))]
          .map((byte) => byte.toString(16).padStart(2, '0')).join('');
        return Promise.all(frames.map(async ({ drawn, ...facts }) => ({ ...facts, sha256: await hex(drawn) })));`)) as object[];
      expect(await ended).toBe(0);
      const frames = [...new FrameSplitter().take(new Uint8Array(readFileSync(file)))];
      const nano = await Taesd.load({ model: 'nano', only: 'decoder', workers: 0 });
      const wanted: object[] = [];
      for (const bytes of frames) {
        const frame = decodeFrame(bytes);
        const { width, height, data } = await nano.decode(frame);
        const { step, model } = frame;
        wanted.push({ width, height, step, steps, model, sha256: sha256(data) });
      }
      expect(frames.length).toBe(seeds.length * steps);
      expect(wanted[0]).toMatchObject({ width: 256, height: 256, step: 0 });
      expect(shown).toEqual(wanted);
    });
  }
});
