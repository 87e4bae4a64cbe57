// The problems of a request, and the answers that report them.
import { TaesdError } from 'taesd-wasm';

/** An error that the client gets to see. */
export class HttpProblem extends Error {
  name = 'HttpProblem';

  /**
   * @param {number} status
   * @param {string} code  for programs
   * @param {string} message  for people, in the package's own grammar: `where: "what" expected
   *   RULE, got VALUE`
   * @param {Record<string, string>} [headers]
   */
  constructor(status, code, message, headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Seconds for a client to wait before another try: a large picture takes about as long. */
const RETRY_AFTER = { 'retry-after': '1' };

/**
 * The package's codes that the client causes, or that another try may mend. Others are a fault
 * here.
 */
const STATUS = {
  ARG: 400,
  FORMAT: 400,
  TRUNCATED: 400,
  INTEGRITY: 400,
  LIMIT: 413,
  UNSUPPORTED: 422,
  SHAPE: 422,
  NONFINITE: 422,
  OOM: 503,
};

/**
 * @param {unknown} error
 * @returns {Response} JSON { code, message }
 */
export function problemResponse(error) {
  const { status, code, message, headers } = problemOf(error);
  return Response.json({ code, message }, { status, headers: { ...NO_STORE, ...headers } });
}

/** @param {unknown} error @returns {HttpProblem} */
function problemOf(error) {
  if (error instanceof HttpProblem) return error;
  if (error instanceof TaesdError && error.code in STATUS) return packageProblem(error);
  return hostProblem(error);
}

/**
 * Returns the problem for an error that no request can cause, whatever its code, such as one from
 * loading the model.
 *
 * @param {unknown} error
 * @returns {HttpProblem}
 */
export function hostProblem(error) {
  if (error instanceof TaesdError && error.code === 'OOM') return packageProblem(error);
  // The message may describe this machine: it goes to the log, not to the client.
  console.error(error);
  return new HttpProblem(500, 'INTERNAL', 'decode: failed, and not because of the request');
}

/** @param {TaesdError} error  with a code in STATUS */
function packageProblem({ code, message }) {
  const status = STATUS[code];
  return new HttpProblem(status, code, message, status === 503 ? RETRY_AFTER : {});
}

/** @param {number} waiting */
export const busy = (waiting) =>
  new HttpProblem(
    503,
    'BUSY',
    `decode: "requests" expected at most ${waiting} waiting, got one more (come again later)`,
    RETRY_AFTER,
  );

/** @param {number} maxBytes */
export const tooMuchKept = (maxBytes) =>
  new HttpProblem(
    503,
    'BUSY',
    `decode: "kept bytes" expected at most ${maxBytes} in all, got more (come again later)`,
    RETRY_AFTER,
  );

/** @param {number} maxBytes */
export const tooMuchInBodies = (maxBytes) =>
  new HttpProblem(
    503,
    'BUSY',
    `decode: "unfinished bodies" expected at most ${maxBytes} bytes in all, got more (come again later)`,
    RETRY_AFTER,
  );

/** @param {number} bodyMs */
export const bodyTookTooLong = (bodyMs) =>
  new HttpProblem(
    408,
    'TIMEOUT',
    `decode: "body" expected the whole within ${bodyMs} ms, got a part`,
  );

/** @param {number} stallMs */
export const readNothing = (stallMs) =>
  new HttpProblem(503, 'TIMEOUT', `decode: the client read nothing for ${stallMs} ms`);

/** @param {number} turnMs */
export const tookTooLong = (turnMs) =>
  new HttpProblem(503, 'TIMEOUT', `decode: the picture took longer than ${turnMs} ms`, RETRY_AFTER);

export const clientGone = () =>
  new HttpProblem(408, 'ABORTED', 'decode: the client went away before the answer');

export const NO_STORE = { 'cache-control': 'no-store' };
