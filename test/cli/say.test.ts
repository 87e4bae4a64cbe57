import { afterEach, expect, test, vi } from 'vitest';
import { UsageError } from '../../src/cli/terminal/faults.ts';
import { Interruption } from '../../src/cli/terminal/interrupt.ts';
import { sayError } from '../../src/cli/terminal/say.ts';
import { inCall, TaesdError } from '../../src/errors.ts';
import { thrownBy } from '../thrown-by.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What sayError writes to stderr, and the exit code. */
function said(error: unknown, debug = '') {
  vi.stubEnv('TAESD_DEBUG', debug);
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  const code = sayError(error);
  return { code, text: written.join('') };
}

test('sayError: what went wrong on purpose → its message; a command line → exit 2', () => {
  expect(said(new TaesdError('FORMAT', 'a: b'))).toEqual({ code: 1, text: 'taesd: a: b\n' });
  expect(said(new UsageError('a: b'))).toEqual({ code: 2, text: 'taesd: a: b\n' });
});

test('sayError: an error of a public call, with a remedy → no name of the API, the command’s words', () => {
  const remedy = { api: 'option space', command: '--space VAE' };
  const error = thrownBy(() =>
    inCall('decodePng', () => {
      throw new TaesdError('ARG', 'a: b', { remedy });
    }),
  );
  expect(error.message).toBe('decodePng: a: b (option space)');
  expect(said(error).text).toBe('taesd: a: b (--space VAE)\n');
});

test('sayError: a signal → which, and the exit code of shells', () => {
  const text = (name: string) => `taesd: interrupted by ${name}, nothing was written\n`;
  expect(said(new Interruption('SIGINT'))).toEqual({ code: 130, text: text('SIGINT') });
  expect(said(new Interruption('SIGTERM'))).toEqual({
    code: 143,
    text: text('SIGTERM'),
  });
  expect(said(new Interruption('SIGHUP'))).toEqual({ code: 129, text: text('SIGHUP') });
});

test('sayError: what nobody foresaw → one line all the same, and how to see more', () => {
  const text = (what: string) => `taesd: unexpected error: ${what} (TAESD_DEBUG=1 shows where)\n`;
  expect(said(new TypeError('x is\nundefined'))).toEqual({
    code: 1,
    text: text('x is\\u000aundefined'),
  });
  expect(said('thrown text')).toEqual({ code: 1, text: text('thrown text') });
});

test('sayError: TAESD_DEBUG → the stack follows', () => {
  expect(said(new TaesdError('ARG', 'a'), '1').text).toMatch(/^taesd: a\nTaesdError: a\n {4}at /);
});

test('sayError: characters that a terminal obeys or that hide → as code points', () => {
  const error = new TaesdError('ARG', 'a\x1b[2J\r\u202e\u2028\u{e0001}é×');
  expect(said(error).text).toBe('taesd: a\\u001b[2J\\u000d\\u202e\\u2028\\u{e0001}é×\n');
});
