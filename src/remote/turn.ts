import type { Tensor } from '../tensor.ts';
import type { Space } from '../tensor-like/types.ts';
import type { Line, Place } from './line.ts';
import type { EncodeJpeg, RemoteModel } from './types.ts';
import type { UnreadFile } from './unread-file.ts';

/** The needs of making an answer, which its handler gives. */
export interface TurnHost {
  readonly line: Line;
  /** The place whose turn it is. */
  readonly place: Place;
  /** The file that the answer's bytes go to. */
  readonly file: UnreadFile;
  readonly signal: AbortSignal;
  /** Returns the loaded model. */
  readonly model: () => Promise<RemoteModel>;
  /** Starts the turn's clock, and returns what stops it. */
  readonly startClock: () => () => void;
  readonly encodeJpeg: EncodeJpeg;
}

/** Latents of one picture, and the picture's size. */
export interface OnePicture {
  readonly latents: Tensor;
  readonly space: Space;
  readonly width: number;
  readonly height: number;
}

/** Rows of a picture: RGBA, [rows][width][4]. */
export interface Band {
  readonly y: number;
  readonly rows: number;
  readonly data: Uint8ClampedArray;
}

/**
 * Pixels after which a picture gives its turn back if others wait: those of 1024×1024. Beside 15
 * clients that never read 2048×2048 pixels, a small picture took up to 7.4 s with four times as
 * many.
 */
const TURN_PIXELS = 1024 ** 2;

/**
 * Yields the bands of a picture. A turn ends when the file is full, so that a client that does not
 * read holds neither the turn nor the decoder's memory. The picture joins the line again when its
 * client has read, and goes on with the first row that is missing. So does a picture whose turn was
 * given up together with its model.
 */
export async function* rowsInTurns(picture: OnePicture, host: TurnHost): AsyncGenerator<Band> {
  for (let firstRow = 0; firstRow < picture.height; ) {
    await takeTurn(host);
    for await (const band of turnOf(picture, host, firstRow)) {
      yield band;
      firstRow = band.y + band.rows;
    }
  }
}

/** Yields bands until the turn ends. */
async function* turnOf(
  { latents, space, width, height }: OnePicture,
  host: TurnHost,
  firstRow: number,
): AsyncGenerator<Band> {
  const { line, place, file, signal, model, startClock } = host;
  const taesd = await model();
  const stopClock = startClock();
  const enough = firstRow + TURN_PIXELS / width;
  try {
    const options = { space, width, height, firstRow, signal };
    for await (const band of taesd.decodeRows(latents, options)) {
      yield band;
      const end = band.y + band.rows;
      if (!line.stillWorking(place) || file.isFull) return;
      if (end >= enough && line.othersWait) return;
    }
  } catch (error) {
    if (!isGivenUp(host)) throw error;
  } finally {
    stopClock();
    place.leave();
  }
}

/** Runs work that is done whole in one turn, and again if the turn was given up. */
export async function inOneTurn<T>(
  host: TurnHost,
  work: (taesd: RemoteModel, alive: () => void) => Promise<T>,
): Promise<T> {
  const { line, place, model, startClock } = host;
  for (;;) {
    await takeTurn(host);
    const taesd = await model();
    const stopClock = startClock();
    try {
      return await work(taesd, () => void line.stillWorking(place));
    } catch (error) {
      if (!isGivenUp(host)) throw error;
    } finally {
      stopClock();
      place.leave();
    }
  }
}

/** Returns true if the turn was given up. The model was disposed of then. */
const isGivenUp = ({ signal, place }: TurnHost): boolean => !signal.aborted && !place.working;

/** Joins the line again and waits, if it is not the place's turn. */
async function takeTurn({ line, place, file, signal }: TurnHost): Promise<void> {
  if (place.working) return;
  await file.room();
  line.rejoin(place);
  await line.turn(place, signal);
}
