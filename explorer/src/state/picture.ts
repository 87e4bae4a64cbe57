import { signal } from '@preact/signals';
import type { Picture } from 'taesd-wasm';
import { Client } from '../engine/client.ts';
import type { PictureMethods } from '../engine/picture-worker.ts';
import { attempt, say } from './messages.ts';

/*
 * The picture that goes through the network.
 */

/** The longer sides that can be chosen. All feature maps are kept in memory: those of taew2_1 take most. */
export const SIZES = [
  { side: 128, note: 'quick' },
  { side: 256, note: 'usual' },
  { side: 512, note: 'up to 0.7 GB' },
] as const;

export const picture = signal<Picture | undefined>(undefined);
/** What it is, in words. */
export const pictureName = signal('');
export const mostPixels = signal(256);

let source: File | undefined;
let turn = 0;
const reader = new Client<PictureMethods>(
  new Worker(new URL('../engine/picture-worker.ts', import.meta.url), { type: 'module' }),
);

/** The sample, which lies beside the page. */
export function useSample(): Promise<void> {
  source = undefined;
  return attempt(async () => {
    const mine = ++turn;
    const side = Math.min(mostPixels.value, 256);
    say('Fetching the sample picture …');
    const { href } = new URL(`sample-${side}.png`, document.baseURI);
    const sample = await reader.call('sample', href);
    if (mine === turn) show(sample, `the sample, ${side}×${side}`);
  });
}

export function useFile(file: File): Promise<void> {
  return attempt(async () => {
    const mine = ++turn;
    say(`Reading ${file.name} …`);
    const read = await reader.call('read', file, mostPixels.value).catch((error) => {
      say('');
      throw error;
    });
    if (mine !== turn) return;
    source = file;
    const { width, height } = read.picture;
    const from = `${read.originalWidth}×${read.originalHeight}`;
    const isSmaller = read.originalWidth !== width || read.originalHeight !== height;
    const size = isSmaller ? `made smaller from ${from} to ${width}×${height}` : from;
    show(read.picture, `${file.name}, ${size}`);
  });
}

export function setMostPixels(side: number): Promise<void> {
  mostPixels.value = side;
  return source === undefined ? useSample() : useFile(source);
}

function show(next: Picture, name: string): void {
  pictureName.value = name;
  picture.value = next;
}
