import { extname } from 'node:path';
import { pictureKind } from '../../first-bytes/pictures.ts';
import { isGzip, startsWith } from '../../first-bytes.ts';
import { latentPng } from '../../formats/latent-png.ts';
import { LATENT_FORMATS, recogniseFormat } from '../../formats/table.ts';

/** The files that a command takes of a folder. */
export interface FolderContents {
  /** Their name in messages: `pictures`. */
  readonly what: string;
  /** Their endings, for messages. */
  readonly endings: readonly string[];
  /** Larger files are left out, and a note says so. */
  readonly maxBytes?: number;
  /**
   * Returns true for a file that is taken, also for a damaged one: an error explains it.
   *
   * @param head  its first bytes; undefined if it cannot be read
   */
  takes(path: string, head: Uint8Array | undefined): boolean;
}

const hasEnding = (path: string, endings: readonly string[]): boolean =>
  endings.includes(extname(path).toLowerCase());

/** The endings of pictures. Files are taken by their contents too. */
export const PICTURE_ENDINGS: readonly string[] = [
  '.png',
  '.apng',
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.webp',
];

/** The pictures of a folder. */
export const PICTURES: FolderContents = {
  what: 'pictures',
  endings: PICTURE_ENDINGS,
  takes: (path, head) =>
    hasEnding(path, PICTURE_ENDINGS) ||
    (head !== undefined && pictureKind(head)?.read !== undefined),
};

const latentEndings = (): string[] => LATENT_FORMATS.flatMap(({ endings }) => endings);

/** The latents of a folder. */
export const LATENTS: FolderContents = {
  what: 'latents',
  get endings() {
    return latentEndings();
  },
  // Files of latents are smaller, checkpoints of models are not.
  maxBytes: 256 * 2 ** 20,
  takes: (path, head) =>
    head === undefined ? hasLatentEnding(path) : beginsLikeLatents(path, head),
};

function beginsLikeLatents(path: string, head: Uint8Array): boolean {
  const format = recogniseFormat(head);
  if (format === latentPng) return mayBeRgba(head);
  // Archives and gzip files of any kind begin alike.
  if (isGzip(head) || startsWith(head, 'PK')) return hasLatentEnding(path);
  // A `.bin` may be anything; one of torch is recognised.
  return format !== undefined || (hasLatentEnding(path) && !/\.bin$/i.test(path));
}

/** Returns true for the ending of a file of latents, also of a gzipped one: `.npy.gz`. */
const hasLatentEnding = (path: string): boolean =>
  hasEnding(path.replace(/\.gz$/i, ''), latentEndings());

/** The place of the colour type in a PNG, after the bit depth. */
const COLOUR_TYPE = 25;

/** Returns false for a PNG of grey or of RGB, which is a picture: latents need four channels. */
const mayBeRgba = (head: Uint8Array): boolean =>
  head.length <= COLOUR_TYPE || ![0, 2].includes(head[COLOUR_TYPE]);
