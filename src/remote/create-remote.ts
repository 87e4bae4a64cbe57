import { inCall } from '../errors.ts';
import type { ModelName } from '../model/variants.ts';
import { ringAfter } from '../platform/timers.ts';
import { type CheckedOptions, checkOptions } from './check-options.ts';
import { decodeJob } from './decode-job.ts';
import type { Reading } from './decode-work.ts';
import { readPictures } from './encode-job.ts';
import type { Job } from './job.ts';
import { KeptBytes } from './kept-bytes.ts';
import { Line, type Place } from './line.ts';
import { Models } from './models.ts';
import {
  busy,
  clientGone,
  HttpProblem,
  jsonResponse,
  NO_STORE,
  problemResponse,
  readNothing,
  says,
  tookTooLong,
  tooMuchInBodies,
  tooMuchKept,
} from './problem.ts';
import type { Room } from './read-body.ts';
import { readLatents } from './read-latents.ts';
import type { RemoteHandler, RemoteOptions } from './types.ts';
import { UnreadFile } from './unread-file.ts';
import { USAGE } from './usage.ts';

type WaitUntil = (work: Promise<unknown>) => void;

/**
 * Creates a handler of diffusers' protocol for remote decoding and encoding (`remote_decode`,
 * `remote_encode`), for every host with the classes `Request` and `Response`. docs/remote.md has
 * its routes, parameters, answers and errors.
 *
 * One request is worked on at a time, and `limits` bounds what the others keep meanwhile. A client
 * that does not read delays no other.
 *
 * @throws TaesdError ARG (a wrong option)
 */
export function createRemote(options: RemoteOptions): RemoteHandler {
  return inCall('createRemote', () => {
    const remote = new Remote(checkOptions(options));
    return (request, waitUntil) => remote.respond(request, waitUntil);
  });
}

/** The work for a path, by its methods. */
interface Route {
  /** The name in messages. */
  readonly name: string;
  readonly GET?: () => Response;
  readonly POST?: (request: Request, params: URLSearchParams) => Promise<Job>;
}

class Remote {
  readonly #options: CheckedOptions;
  readonly #models: Models;
  readonly #line: Line;
  readonly #kept: KeptBytes;
  readonly #keptOfBodies: KeptBytes;
  readonly #maxInBodies: number;
  readonly #routes: ReadonlyMap<string, Route>;
  /** The models of the places that work. */
  readonly #atWork = new WeakMap<Place, ModelName>();

  constructor(options: CheckedOptions) {
    const { limits, served } = options;
    this.#options = options;
    this.#models = new Models(served);
    this.#line = new Line(1 + limits.waiting, 2 * limits.turnMs, (place) => {
      const model = this.#atWork.get(place);
      if (model !== undefined) this.#models.giveUp(model);
    });
    const deadMs = Math.max(2 * limits.turnMs, limits.bodyMs);
    this.#kept = new KeptBytes(limits.keptBytes, deadMs);
    // Bodies that stall must leave room for the pictures of those that are whole.
    this.#maxInBodies = limits.keptBytes / 2;
    this.#keptOfBodies = new KeptBytes(this.#maxInBodies, deadMs);
    this.#routes = this.#makeRoutes();
  }

  #makeRoutes(): ReadonlyMap<string, Route> {
    const decode: Route['POST'] = async (request, params) =>
      decodeJob(await readLatents(request, params, this.#reading()));
    const encode: Route['POST'] = (request, params) =>
      readPictures(request, params, this.#reading());
    const headers = { 'content-type': 'text/plain; charset=utf-8' };
    return new Map<string, Route>([
      ['/', { name: 'decode', GET: () => new Response(USAGE, { headers }), POST: decode }],
      ['/decode', { name: 'decode', POST: decode }],
      ['/encode', { name: 'encode', POST: encode }],
      ['/health', { name: 'health', GET: () => jsonResponse(this.#health) }],
      ['/models', { name: 'models', GET: () => jsonResponse(this.#list) }],
    ]);
  }

  get #health() {
    return { status: 'ok', requests: this.#line.length, loaded: this.#models.loaded };
  }

  get #list() {
    const models = this.#models.variants.map(
      ({ name, speaks, latentChannels, downscale, fromVae }) => ({
        ...{ name, speaks, channels: latentChannels, downscale },
        ...('scale' in fromVae ? fromVae : {}),
      }),
    );
    return { default: this.#models.defaultVariant.name, models };
  }

  /** Never rejects. */
  async respond(request: Request, waitUntil?: WaitUntil): Promise<Response> {
    let where = 'remote';
    try {
      const { pathname, searchParams } = new URL(request.url);
      const route = this.#routeOf(pathname);
      where = route.name;
      const { GET, POST } = route;
      if (request.method === 'GET' && GET !== undefined) return GET();
      if (request.method !== 'POST' || POST === undefined) throw wrongMethod(route, request);
      const job = await POST(request, searchParams);
      return await this.#answer(job, request.signal, waitUntil);
    } catch (error) {
      // If the client has gone, no one reads this answer.
      const shown = isGone(request) ? clientGone() : error;
      return problemResponse(shown, where, this.#options.report);
    }
  }

  /** @throws HttpProblem NOT_FOUND */
  #routeOf(pathname: string): Route {
    const route = this.#routes.get(pathname);
    if (route !== undefined) return route;
    const rule = `one of ${[...this.#routes.keys()].join(', ')}`;
    throw new HttpProblem(404, 'NOT_FOUND', says('path', rule, pathname));
  }

  #reading(): Reading {
    const { limits, makesJpeg } = this.#options;
    return { models: this.#models, limits, makesJpeg, room: this.#roomOfBody() };
  }

  #roomOfBody(): Room {
    const room: Room = {
      hold: (bytes) => {
        if (!this.#keptOfBodies.hold(room, bytes)) return tooMuchInBodies(this.#maxInBodies);
        if (this.#kept.hold(room, bytes)) return undefined;
        return tooMuchKept(this.#options.limits.keptBytes);
      },
      free: () => {
        this.#keptOfBodies.free(room);
        this.#kept.free(room);
      },
    };
    return room;
  }

  /**
   * Sends status and headers only with the first bytes: by then nearly every error has shown
   * itself.
   */
  async #answer(
    job: Job,
    clientSignal: AbortSignal | undefined,
    waitUntil: WaitUntil | undefined,
  ): Promise<Response> {
    const { answerBytes, turnMs, waiting } = this.#options.limits;
    const place = this.#line.join(job.answerBytes > answerBytes);
    if (place === undefined) throw busy(waiting);
    const stop = new AbortController();
    const { signal } = stop;
    const file = new UnreadFile({
      maxBytes: answerBytes,
      kept: this.#kept,
      stallMs: turnMs,
      onStalled: () => stop.abort(readNothing(turnMs)),
      onCancel: (reason) => stop.abort(reason),
    });
    // A decoder that hangs ignores the signal: the answer does not wait for it.
    signal.addEventListener('abort', () => file.fail(signal.reason));
    const gone = () => stop.abort(clientSignal?.reason);
    clientSignal?.addEventListener('abort', gone);
    if (clientSignal?.aborted === true) gone();
    const making = this.#make(job, file, place, stop);
    const over = Promise.all([making, file.over]);
    waitUntil?.(over.then(() => clientSignal?.removeEventListener('abort', gone)));
    await file.begun;
    return new Response(file.stream, { headers: { ...job.headers(), ...NO_STORE } });
  }

  /** Makes an answer when it is its turn. It never rejects. */
  async #make(job: Job, file: UnreadFile, place: Place, stop: AbortController): Promise<void> {
    const { signal } = stop;
    const { encodeJpeg, limits } = this.#options;
    const { turnMs, waiting, keptBytes, answerBytes } = limits;
    const late = () => tookTooLong(turnMs);
    const startClock = () => ringAfter(turnMs, () => stop.abort(late()));
    const line = this.#line;
    const model = () => {
      this.#atWork.set(place, job.model);
      return this.#models.get(job.model, () => line.stillWorking(place), late);
    };
    try {
      if (!(await line.turn(place, signal))) throw busy(waiting);
      const unread = Math.min(job.answerBytes, answerBytes + job.pieceBytes);
      if (!this.#kept.hold(file, job.workBytes + unread)) throw tooMuchKept(keptBytes);
      const host = { line, place, file, signal, model, startClock, encodeJpeg };
      for await (const piece of job.pieces(host)) file.push(piece);
      file.end();
    } catch (error) {
      file.fail(error);
    } finally {
      place.leave();
    }
  }
}

function wrongMethod(route: Route, { method }: Request): HttpProblem {
  const allowed = (['GET', 'POST'] as const).filter((name) => route[name] !== undefined);
  const sentence = says('method', allowed.join(' or '), method);
  return new HttpProblem(405, 'METHOD', sentence, { allow: allowed.join(', ') });
}

/** Returns true if the client of a request has gone. It never throws. */
function isGone(request: Request): boolean {
  try {
    return request.signal.aborted;
  } catch {
    return false;
  }
}
