import { join } from 'node:path';
import { type ErrorCode, onOneLine, TaesdError, withHint } from '../../errors.ts';
import { checkConversion } from '../files/latents-input.ts';
import { readSource } from '../files/read-input.ts';
import type { Raster } from '../maps/raster.ts';
import { aboutInput } from '../terminal/faults.ts';
import { type Layout, thumbnailSize } from './layout.ts';
import type { Painters } from './painters.ts';
import { HoldsNone, readShown, type ShownLatents, type ShownOptions } from './shown.ts';
import { drawTile, type TileContent } from './tile.ts';

/** The options of tiles. */
export interface TilesOptions {
  readonly folder: string;
  readonly read: ShownOptions;
  readonly painters: Painters;
  readonly layout: Layout;
  readonly signal: AbortSignal;
  /** Called with the error of each broken file. */
  readonly onBroken: (error: TaesdError) => void;
}

/** The sentences about errors that every tile has room for. */
const TITLES: Readonly<Partial<Record<ErrorCode, string>>> = {
  TRUNCATED: 'cut short',
  INTEGRITY: 'damaged',
  FORMAT: 'damaged, or not latents',
  UNSUPPORTED: 'not supported',
  UNSAFE: 'unsafe',
  LIMIT: 'too large',
  OOM: 'out of memory',
  NONFINITE: 'not a picture: NaN or infinity',
  SHAPE: 'several tensors',
};

/** Draws the tiles of a folder's files one by one, and counts what it met. */
export class Tiles {
  readonly #options: TilesOptions;
  /** Files that cannot be read. */
  broken = 0;
  /** Files that are in order and hold no latents. */
  others = 0;
  /** Files that do not say their model. */
  unmarked = 0;

  constructor(options: TilesOptions) {
    this.#options = options;
  }

  /**
   * Draws the tile of a file. An error of the file is drawn, not thrown.
   *
   * @param name  the file's path in the folder
   * @throws any error that is not the file's
   */
  async draw(name: string): Promise<Raster> {
    return drawTile(name, await this.#contentOf(name), this.#options.layout);
  }

  async #contentOf(name: string): Promise<TileContent> {
    const { folder, signal, onBroken } = this.#options;
    const path = join(folder, name);
    try {
      signal.throwIfAborted();
      return await this.#pictureOf(path);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof HoldsNone) {
        this.others++;
        const reason = reasonOf(path, thrown.cause);
        return { title: 'no latents', reason, isBroken: false };
      }
      if (!(thrown instanceof TaesdError)) throw thrown;
      this.broken++;
      onBroken(thrown);
      const title = TITLES[thrown.code] ?? 'cannot be read';
      return { title, reason: reasonOf(path, thrown), isBroken: true };
    }
  }

  async #pictureOf(path: string): Promise<TileContent> {
    const { read, painters, layout } = this.#options;
    const shown = await readShown(path, await readSource({ input: path, isListed: true }), read);
    checkConversion(path, shown);
    const size = thumbnailSize(shown, layout.thumb);
    const { picture, by } = await painters.paint(shown, size).catch((error: unknown) => {
      throw aboutInput(path, error);
    });
    if (shown.isAssumed) this.unmarked++;
    return { picture, size: `${shown.width}×${shown.height}`, by: `${by}${marks(shown)}` };
  }
}

/** Returns the end of a label: the first of a batch, and a doubt about the model. */
const marks = ({ batch, isAssumed }: ShownLatents): string =>
  `${batch > 1 ? ` 1/${batch}` : ''}${isAssumed ? ' ?' : ''}`;

/** Returns an error's sentence and remedy, without the file's path, which is in the label. */
function reasonOf(path: string, error: unknown): string {
  if (!(error instanceof TaesdError)) return '';
  const prefix = `${onOneLine(path)}: `;
  const { sentence, remedy } = error;
  const reason = sentence.startsWith(prefix) ? sentence.slice(prefix.length) : sentence;
  return withHint(reason, remedy?.command);
}
