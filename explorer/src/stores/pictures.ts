import { batch, signal } from '@preact/signals';
import type { Picture } from 'taesd-wasm';
import type { OpenedLatents, OpenedPicture } from '../engine/protocol.ts';
import type { Messages } from './messages.ts';
import { readSample } from './sample.ts';

/**
 * The longer sides that can be chosen. All feature maps are kept in memory: those of taew2_1 take
 * most.
 */
export const SIZES = [
  { side: 128, note: 'quick' },
  { side: 256, note: 'usual' },
  { side: 512, note: 'up to 0.7 GB' },
] as const;

/** Latents from a file, which take the place of those that the encoder makes. */
export type GivenLatents = Pick<
  OpenedLatents,
  'latents' | 'width' | 'height' | 'model' | 'space'
> & {
  /** The name of the file. */
  readonly name: string;
};

/** The picture that goes through the network, or the latents that go through its second half. */
export function createPictures({ attempt, say }: Messages) {
  const picture = signal<Picture | undefined>(undefined);
  /** The latents of a file, until another picture comes. */
  const given = signal<GivenLatents | undefined>(undefined);
  /** Its name, in words. */
  const name = signal('');
  const maxSide = signal(256);
  /** The file that the picture is of; undefined for the sample. */
  const source = signal<File | undefined>(undefined);
  let turn = 0;

  function show(next: Picture, what: string, from: File | undefined): void {
    batch(() => {
      source.value = from;
      given.value = undefined;
      name.value = what;
      picture.value = next;
    });
  }

  /** The sample, which lies beside the page. */
  function useSample(): Promise<void> {
    return attempt(async () => {
      const mine = ++turn;
      const side = Math.min(maxSide.value, 256);
      say('Fetching the sample picture …');
      const { ok, body } = await fetch(new URL(`sample-${side}.bin`, document.baseURI).href);
      if (!ok || body === null) throw new Error('The sample picture is not beside this page.');
      const sample = await readSample(body, side);
      if (mine === turn) show(sample, `the sample, ${side}×${side}`, undefined);
    });
  }

  return {
    ...{ picture, given, name, maxSide, source, useSample },
    /** Takes a picture that a file was opened as. */
    usePicture(file: File, opened: OpenedPicture): void {
      turn++;
      const { width, height } = opened.picture;
      const from = `${opened.originalWidth}×${opened.originalHeight}`;
      const isSmaller = opened.originalWidth !== width || opened.originalHeight !== height;
      const size = isSmaller ? `made smaller from ${from} to ${width}×${height}` : from;
      show(opened.picture, `${file.name}, ${size}`, file);
    },
    /** Takes a picture that the page made itself. */
    useMade(made: Picture, what: string): void {
      turn++;
      show(made, what, new File([], what));
    },
    /** Takes latents of a file. The picture and its name stay until they are decoded. */
    useLatents(file: File, opened: OpenedLatents): void {
      turn++;
      const { latents, width, height, model, space } = opened;
      batch(() => {
        source.value = file;
        given.value = { latents, width, height, model, space, name: file.name };
      });
    },
    /** True if it is the one that lies beside the page. */
    isSample: (): boolean => source.value === undefined,
    end(): void {
      turn++;
    },
  };
}

export type Pictures = ReturnType<typeof createPictures>;
