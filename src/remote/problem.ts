import { type ErrorCode, onOneLine, TaesdError, withHint } from '../errors.ts';

/*
 * The problems of a request, and the answers that report them.
 */

/** A code for programs: one of the package's, or one of a handler's own. */
export type ProblemCode =
  | ErrorCode
  /** A path that the handler does not know. */
  | 'NOT_FOUND'
  /** Another method than the path's. */
  | 'METHOD'
  /** A content type or content encoding that is not read. */
  | 'TYPE'
  /** Too many open requests. */
  | 'BUSY'
  /** A client or a turn that took too long. */
  | 'TIMEOUT'
  /** An error that no request causes. */
  | 'INTERNAL';

/** An error that the client gets to see. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';
  readonly status: number;
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: ProblemCode,
    sentence: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Reports an error that no request causes, and must not throw. */
export type Report = (error: unknown) => void;

/** Seconds for a client to wait before another try: a large picture takes about as long. */
const RETRY_AFTER = { 'retry-after': '1' };

/** The header of every answer that depends on the request. */
export const NO_STORE = { 'cache-control': 'no-store' };

/**
 * The statuses of the package's codes that the client causes, or that another try may mend. Others
 * are a fault here.
 */
const STATUS: { readonly [code in ErrorCode]?: number } = {
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
 * Answers with JSON `{ code, message }`.
 *
 * @param where  the name of the call that failed: `decode`
 */
export function problemResponse(error: unknown, where: string, report: Report): Response {
  const { status, code, message, headers } = problemOf(error, report);
  return jsonResponse({ code, message: `${where}: ${message}` }, status, headers);
}

export const jsonResponse = (
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', ...NO_STORE, ...headers },
  });

function problemOf(error: unknown, report: Report): HttpProblem {
  if (error instanceof HttpProblem) return error;
  return packageProblem(error, Object.keys(STATUS)) ?? hostProblem(error, report);
}

/**
 * Returns the problem for an error that no request can cause, whatever its code, such as one from
 * loading the model.
 */
export function hostProblem(error: unknown, report: Report): HttpProblem {
  const outOfMemory = packageProblem(error, ['OOM']);
  if (outOfMemory !== undefined) return outOfMemory;
  // The message may describe this machine: it goes to the log, not to the client.
  report(error);
  return new HttpProblem(500, 'INTERNAL', 'failed, and not because of the request');
}

/**
 * Returns the problem of an error of this package, if its code is one of `codes`. The error may be
 * of another copy of the package: the models are the host's.
 */
function packageProblem(error: unknown, codes: readonly string[]): HttpProblem | undefined {
  if (!isPackageError(error) || !codes.includes(error.code)) return undefined;
  const status = STATUS[error.code] as number;
  return new HttpProblem(status, error.code, error.sentence, status === 503 ? RETRY_AFTER : {});
}

/** Returns true for an error of this package, also for one of another copy of it. */
export function isPackageError(error: unknown): error is TaesdError {
  if (error instanceof TaesdError) return true;
  try {
    const { name, code, sentence } = (error ?? {}) as Partial<TaesdError>;
    return name === 'TaesdError' && typeof code === 'string' && typeof sentence === 'string';
  } catch {
    return false;
  }
}

/** Writes `"what" expected RULE, got VALUE (hint)`. Text from outside is made fit for one line. */
export const says = (what: string, rule: string, got: string, hint?: string): string =>
  withHint(`"${what}" expected ${rule}, got ${onOneLine(got)}`, hint);

/** A parameter of the query that is missing or wrong. */
export const wrongQuery = (what: string, rule: string, got: string, hint?: string): HttpProblem =>
  new HttpProblem(400, 'ARG', says(what, rule, got, hint));

/** Something of the protocol that this host does not do. */
export const notDone = (what: string, rule: string, got: string, hint?: string): HttpProblem =>
  new HttpProblem(501, 'UNSUPPORTED', says(what, rule, got, hint));

export const wrongType = (what: string, rule: string, got: string): HttpProblem =>
  new HttpProblem(415, 'TYPE', says(what, rule, got));

export const tooLarge = (what: string, rule: string, got: string, hint?: string): HttpProblem =>
  new HttpProblem(413, 'LIMIT', says(what, rule, got, hint));

export const busy = (waiting: number): HttpProblem =>
  comeAgain(says('requests', `at most ${waiting} waiting`, 'one more', LATER));

export const tooMuchKept = (maxBytes: number): HttpProblem =>
  comeAgain(says('kept bytes', `at most ${maxBytes} in all`, 'more', LATER));

export const tooMuchInBodies = (maxBytes: number): HttpProblem =>
  comeAgain(says('unfinished bodies', `at most ${maxBytes} bytes in all`, 'more', LATER));

const LATER = 'come again later';

const comeAgain = (sentence: string): HttpProblem =>
  new HttpProblem(503, 'BUSY', sentence, RETRY_AFTER);

export const bodyTookTooLong = (bodyMs: number): HttpProblem =>
  new HttpProblem(408, 'TIMEOUT', says('body', `the whole within ${bodyMs} ms`, 'a part'));

export const readNothing = (stallMs: number): HttpProblem =>
  new HttpProblem(503, 'TIMEOUT', `the client read nothing for ${stallMs} ms`);

export const tookTooLong = (turnMs: number): HttpProblem =>
  new HttpProblem(503, 'TIMEOUT', `the picture took longer than ${turnMs} ms`, RETRY_AFTER);

export const clientGone = (): HttpProblem =>
  new HttpProblem(408, 'ABORTED', 'the client went away before the answer');
