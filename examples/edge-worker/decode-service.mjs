// Latents in, a PNG out, streamed as rows finish. From Request to Response, for every host with
// these classes.
import { encodePngRows } from 'taesd-wasm/png';
import {
  busy,
  clientGone,
  HttpProblem,
  hostProblem,
  NO_STORE,
  problemResponse,
  readNothing,
  tookTooLong,
  tooMuchInBodies,
  tooMuchKept,
} from './http-problem.mjs';
import { KeptBytes } from './kept-bytes.mjs';
import { Line } from './line.mjs';
import { readLatents } from './read-latents.mjs';
import { rowsInTurns } from './rows-in-turns.mjs';
import { UnreadFile } from './unread-file.mjs';

/** The default limits. With them workerd stays under the 128 MB of an edge. */
export const LIMITS = {
  width: 1024,
  pixels: 1024 * 768,
  /** Requests that may wait while one is decoded. */
  waiting: 4,
  /**
   * Milliseconds of a turn, while others wait. Loading the model does not count, since it happens
   * once and no client causes it. A load that takes twice as long is given up if another request
   * waits. Also the time in which a client must read something.
   */
  turnMs: 20_000,
  /** Bytes of a file that are made while its client does not read. The turn ends then. */
  answerBytes: 4_000_000,
  /**
   * Bytes that all open requests may keep together: bodies that are being read, what clients have
   * not read, and latents and encoders of files that are not finished. Bodies that wait for their
   * turn do not count: `waiting` limits them. Bodies may have half of it.
   */
  keptBytes: 8_000_000,
  /** Milliseconds in which a whole body must come. */
  bodyMs: 30_000,
};

/** Bytes of an `encodePngRows` at work. */
const ENCODER_BYTES = 2_300_000;

/**
 * Level 6 makes files 7 to 12 % smaller, but a picture then takes 1.6 to 2.1 times the processor
 * time: compressing takes longer than decoding (Node 20, three pictures of up to 512×512).
 */
const COMPRESSION = 1;

const USAGE = `POST /decode returns the picture of a Stable Diffusion 1 or 2 latent, as a PNG.

  the latent as a PNG:      curl -H 'content-type: image/png' --data-binary @latent.png URL/decode -o picture.png
  f32, little-endian [4,h,w]: curl -H 'content-type: application/octet-stream' --data-binary @latent.f32 'URL/decode?width=64&height=64' -o picture.png
`;

/**
 * @param {object} host
 * @param {() => Promise<import('taesd-wasm').Taesd>} host.load  called for the first picture, and
 *   again after it has failed
 * @param {Partial<typeof LIMITS>} [host.limits]
 * @returns {(request: Request, waitUntil?: (work: Promise<void>) => void) => Promise<Response>} the
 *   handler. It never rejects. It passes `waitUntil` the work that must finish even if the client
 *   has gone
 */
export function createDecodeService({ load, limits: given = {} }) {
  const limits = { ...LIMITS, ...given };
  /** The loaded model. A failed load leaves it undefined. */
  let taesd;
  const line = new Line(1 + limits.waiting, 2 * limits.turnMs, () => {
    // Without this its workers would live on. A picture that is still decoded goes on in its next
    // turn, with another model.
    taesd?.dispose?.();
    taesd = undefined;
  });
  const deadMs = Math.max(2 * limits.turnMs, limits.bodyMs);
  const kept = new KeptBytes(limits.keptBytes, deadMs);
  // Bodies that stall must leave room for the pictures of those that are whole.
  const maxInBodies = limits.keptBytes / 2;
  const keptOfBodies = new KeptBytes(maxInBodies, deadMs);

  return async (request, waitUntil = () => {}) => {
    try {
      const { pathname } = new URL(request.url);
      if (pathname === '/') {
        checkMethod(request, 'GET');
        return new Response(USAGE, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
      }
      if (pathname !== '/decode') {
        throw new HttpProblem(404, 'NOT_FOUND', 'decode: "path" expected / or /decode');
      }
      checkMethod(request, 'POST');
      const work = await readLatents(request, limits, roomOfBody());
      return await answer(work, request.signal, waitUntil);
    } catch (error) {
      // If the client has gone, no one reads this answer.
      return problemResponse(request.signal.aborted ? clientGone() : error);
    }
  };

  /** @returns {import('./read-body.mjs').Room} */
  function roomOfBody() {
    const room = {
      hold(bytes) {
        if (!keptOfBodies.hold(room, bytes)) return tooMuchInBodies(maxInBodies);
        return kept.hold(room, bytes) ? undefined : tooMuchKept(limits.keptBytes);
      },
      free() {
        keptOfBodies.free(room);
        kept.free(room);
      },
    };
    return room;
  }

  /**
   * Sends status and headers only with the first rows: by then nearly every error has shown itself.
   */
  async function answer(work, clientSignal, waitUntil) {
    const place = line.join(maxFileBytes(work) > limits.answerBytes);
    if (place === undefined) throw busy(limits.waiting);
    const stop = new AbortController();
    const { signal } = stop;
    const file = new UnreadFile({
      maxBytes: limits.answerBytes,
      kept,
      stallMs: limits.turnMs,
      onStalled: () => stop.abort(readNothing(limits.turnMs)),
      onCancel: (reason) => stop.abort(reason),
    });
    // A decoder that hangs ignores the signal: the answer does not wait for it.
    signal.addEventListener('abort', () => file.fail(signal.reason));
    const gone = () => stop.abort(clientSignal.reason);
    clientSignal.addEventListener('abort', gone);
    if (clientSignal.aborted) gone();
    const making = makeFile(work, file, place, stop);
    const over = Promise.all([making, file.over]);
    waitUntil(over.then(() => clientSignal.removeEventListener('abort', gone)));
    await file.begun;
    return new Response(file.stream, { headers: { 'content-type': 'image/png', ...NO_STORE } });
  }

  /** Makes a picture's file when it is its turn. It never rejects. */
  async function makeFile(work, file, place, stop) {
    const { signal } = stop;
    const startClock = () => {
      const timer = setTimeout(() => stop.abort(tookTooLong(limits.turnMs)), limits.turnMs);
      return () => clearTimeout(timer);
    };
    const model = async () => {
      taesd ??= await loadFor(place);
      return taesd;
    };
    const { latents, width, height } = work;
    try {
      if (!(await line.turn(place, signal))) throw busy(limits.waiting);
      const unread = Math.min(maxFileBytes(work), limits.answerBytes);
      if (!kept.hold(file, latents.data.byteLength + ENCODER_BYTES + unread)) {
        throw tooMuchKept(limits.keptBytes);
      }
      const rows = rowsInTurns(work, { line, place, file, signal, model, startClock });
      const header = { width, height, channels: 3 };
      for await (const piece of encodePngRows(header, rows, { level: COMPRESSION })) {
        file.push(piece);
      }
      file.end();
    } catch (error) {
      file.fail(error);
    } finally {
      place.leave();
    }
  }

  /** @param {import('./line.mjs').Place} place  the place of the request whose turn it is */
  async function loadFor(place) {
    let loaded;
    try {
      loaded = await load();
    } catch (error) {
      throw hostProblem(error);
    }
    if (line.stillWorking(place)) return loaded;
    // This load was given up, and another may have loaded meanwhile: memory does not suffice for
    // two.
    loaded.dispose?.();
    throw tookTooLong(limits.turnMs);
  }
}

/** The size of a picture's file if nothing of it can be compressed, and a little more. */
const maxFileBytes = ({ width, height }) => 1.01 * height * (1 + 3 * width) + 1000;

/** @param {Request} request @param {string} allowed */
function checkMethod({ method }, allowed) {
  if (method === allowed) return;
  const message = `decode: "method" expected ${allowed}, got ${method}`;
  throw new HttpProblem(405, 'METHOD', message, { allow: allowed });
}
