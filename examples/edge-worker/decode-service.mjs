// Latents in, a PNG out, streamed as rows finish: from Request to Response, for every host that has them.
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

/** What is accepted unless the host says otherwise: so that workerd stays under the 128 MB that an edge gives. */
export const LIMITS = {
  width: 1024,
  pixels: 1024 * 768,
  /** Requests that wait while one is decoded. */
  waiting: 4,
  /**
   * How long a picture may take from the beginning of its turn, its way to the client included: meanwhile others wait.
   * Loading the model is not counted, for it is no client's doing and comes once; a load that takes twice as long is given
   * up when another waits.
   */
  turnMs: 20_000,
};

/** Of level 6 the files are 2% smaller and take half as long again, as much as the decoder itself. */
const COMPRESSION = 1;

const USAGE = `POST /decode answers the picture of a latent of Stable Diffusion 1 or 2, a PNG.

  the latent as a PNG:      curl -H 'content-type: image/png' --data-binary @latent.png URL/decode -o picture.png
  f32, little-endian [4,h,w]: curl -H 'content-type: application/octet-stream' --data-binary @latent.f32 'URL/decode?width=64&height=64' -o picture.png
`;

/**
 * @param {object} host
 * @param {() => Promise<import('taesd-wasm').Taesd>} host.load  called for the first picture, and again where it failed
 * @param {Partial<typeof LIMITS>} [host.limits]
 * @returns {(request: Request, waitUntil?: (work: Promise<void>) => void) => Promise<Response>}  never rejects;
 *   `waitUntil` is told of work that is to be finished even when the client has gone
 */
export function createDecodeService({ load, limits: given = {} }) {
  const limits = { ...LIMITS, ...given };
  /** Kept once it is loaded; a failure is not. */
  let taesd;
  const line = new Line(1 + limits.waiting, 2 * limits.turnMs, () => {
    // Its workers would live on. What still runs in it, if anything does, ends first.
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
      // Nobody hears this answer.
      return problemResponse(request.signal.aborted ? clientGone() : error);
    }
  };

  /** Status and headers go before the picture: they wait for its first rows, so that what can go wrong has gone wrong. */
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
      // The next one's turn begins when the decoder is free.
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
        // Also where the client does not read, and nothing else would notice.
        body.controller.error(signal.reason);
        void leave();
      });
      return new Response(body.stream, { headers: { 'content-type': 'image/png', ...NO_STORE } });
    } catch (error) {
      const left = leave();
      // A decoder that hangs hears no signal: the answer does not wait for it.
      if (!signal.aborted) await left;
      throw error;
    }
  }

  /** @param {import('./line.mjs').Place} place  whose turn it is */
  async function loadFor(place) {
    let loaded;
    try {
      loaded = await load();
    } catch (error) {
      throw hostProblem(error);
    }
    if (line.stillWorking(place)) return loaded;
    // It was given up meanwhile, and another may have loaded: there is no room for two.
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

/** A file's pieces as they are asked for: while the client does not read, nothing is decoded. */
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
          // The client is to see that it has not got the whole.
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
