// The rows of a picture, decoded in one turn or in several.

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
 *
 * @param {import('./read-latents.mjs').Work} work
 * @param {object} host
 * @param {import('./line.mjs').Line} host.line
 * @param {import('./line.mjs').Place} host.place  the place whose turn it is
 * @param {import('./unread-file.mjs').UnreadFile} host.file  the file the bands go to
 * @param {AbortSignal} host.signal
 * @param {() => Promise<import('taesd-wasm').Taesd>} host.model  returns the loaded model
 * @param {() => () => void} host.startClock  starts the turn's clock, and returns what stops it
 */
export async function* rowsInTurns(work, host) {
  const { line, place, file, signal } = host;
  for (let firstRow = 0; ; ) {
    for await (const band of turnOf(work, host, firstRow)) {
      yield band;
      firstRow = band.y + band.rows;
    }
    if (firstRow === work.height) return;
    await file.room();
    line.rejoin(place);
    await line.turn(place, signal);
  }
}

/** Yields bands until the turn ends. */
async function* turnOf({ latents, width, height }, host, firstRow) {
  const { line, place, file, signal, model, startClock } = host;
  const taesd = await model();
  const stopClock = startClock();
  const enough = firstRow + TURN_PIXELS / width;
  try {
    for await (const band of taesd.decodeRows(latents, { width, height, firstRow, signal })) {
      yield band;
      const end = band.y + band.rows;
      if (!line.stillWorking(place) || file.isFull) return;
      if (end >= enough && line.othersWait) return;
    }
  } catch (error) {
    // A model whose picture has lost its turn was disposed of.
    if (signal.aborted || place.working) throw error;
  } finally {
    stopClock();
    place.leave();
  }
}
