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
  tookTooLong,
} from './http-problem.mjs';
import { Line } from './line.mjs';
import { readLatents } from './read-latents.mjs';

/** The default limits. With them workerd stays under the 128 MB of an edge. */
export const LIMITS = {
  width: 1024,
  pixels: 1024 * 768,
  /** Requests that may wait while one is decoded. */
  waiting: 4,
  /**
   * Milliseconds from the beginning of a picture's turn to its last byte at the client. Others wait
   * meanwhile. Loading the model does not count, since it happens once and no client causes it. A
   * load that takes twice as long is given up if another request waits.
   */
  turnMs: 20_000,
};

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
    // Without this its workers would live on. Calls that still run in it end first.
    taesd?.dispose?.();
    taesd = undefined;
  });

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
      const work = await readLatents(request, limits);
      return await answer(work, request.signal, waitUntil);
    } catch (error) {
      // If the client has gone, no one reads this answer.
      return problemResponse(request.signal.aborted ? clientGone() : error);
    }
  };

  /**
   * Sends status and headers only with the first rows: by then nearly every error has shown itself.
   */
  async function answer({ latents, width, height }, clientSignal, waitUntil) {
    const place = line.join();
    if (place === undefined) throw busy(limits.waiting);
    const stop = new AbortController();
    const gone = () => stop.abort(clientSignal.reason);
    clientSignal.addEventListener('abort', gone);
    if (clientSignal.aborted) gone();
    let [pieces, end, timer] = [];
    waitUntil(
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    const leave = async () => {
      clearTimeout(timer);
      clientSignal.removeEventListener('abort', gone);
      // The next request's turn begins when the decoder is free.
      await pieces?.return().catch(() => undefined);
      place.leave();
      end();
    };
    const { signal } = stop;
    try {
      if (!(await line.turn(place, signal))) throw busy(limits.waiting);
      taesd ??= await loadFor(place);
      timer = setTimeout(() => stop.abort(tookTooLong(limits.turnMs)), limits.turnMs);
      const rows = taesd.decodeRows(latents, { width, height, signal });
      pieces = encodePngRows({ width, height, channels: 3 }, rows, { level: COMPRESSION });
      const first = await Promise.race([pieces.next(), aborted(signal)]);
      const body = stream(first, pieces, leave, (reason) => stop.abort(reason));
      signal.addEventListener('abort', () => {
        // A client that does not read would notice nothing otherwise.
        body.controller.error(signal.reason);
        void leave();
      });
      return new Response(body.stream, { headers: { 'content-type': 'image/png', ...NO_STORE } });
    } catch (error) {
      const left = leave();
      // A decoder that hangs ignores the signal: the answer does not wait for it.
      if (!signal.aborted) await left;
      throw error;
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

/** Rejects when the signal fires. @param {AbortSignal} signal @returns {Promise<never>} */
function aborted(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
  });
}

/** Streams a file's pieces on request: while the client does not read, nothing is decoded. */
function stream(first, pieces, leave, stop) {
  let next = first;
  let controller;
  const stream = new ReadableStream(
    {
      start(given) {
        controller = given;
      },
      async pull() {
        try {
          const { done, value } = next ?? (await pieces.next());
          next = undefined;
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          // Lets the client see that the file is not complete.
          controller.error(error);
        }
        await leave();
      },
      async cancel(reason) {
        stop(reason);
        await leave();
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, controller };
}

/** @param {Request} request @param {string} allowed */
function checkMethod({ method }, allowed) {
  if (method === allowed) return;
  const message = `decode: "method" expected ${allowed}, got ${method}`;
  throw new HttpProblem(405, 'METHOD', message, { allow: allowed });
}
