import { expect, test } from 'vitest';
import type { Answered } from '../../../src/cli/serve/http-host.ts';
import { requestLine } from '../../../src/cli/serve/request-line.ts';
import { encodePng } from '../../../src/png/index.ts';

const png = encodePng({ width: 3, height: 2, data: new Uint8Array(18) });
const textBytes = (text: string) => new TextEncoder().encode(text);
const answered = (more: Partial<Answered>, type = 'text/plain'): Answered => ({
  method: 'POST',
  path: '/decode',
  status: 200,
  headers: new Headers({ 'content-type': type }),
  head: undefined,
  ms: 83.6,
  isWhole: true,
  ...more,
});

test.each([
  [answered({ head: png }, 'image/png'), 'POST /decode 200 3×2 84 ms'],
  [answered({ head: png.subarray(0, 10) }, 'image/png'), 'POST /decode 200 84 ms'],
  [answered({ head: textBytes('POST /decode …') }), 'POST /decode 200 84 ms'],
  [
    answered({ headers: new Headers({ shape: '[1, 4, 8, 8]' }), head: textBytes('') }),
    'POST /decode 200 [1,4,8,8] 84 ms',
  ],
  [
    answered({ status: 422, head: textBytes('{"code":"SHAPE","message":"…"}') }),
    'POST /decode 422 SHAPE 84 ms',
  ],
  [answered({ status: 500, head: textBytes('no JSON') }), 'POST /decode 500 84 ms'],
  [
    answered({ head: png, isWhole: false }, 'image/png'),
    'POST /decode 200 3×2 84 ms (the connection closed before the end)',
  ],
  [
    answered({ status: undefined, headers: undefined, isWhole: false }),
    'POST /decode no answer 84 ms (the connection closed before the end)',
  ],
  [
    answered({ method: 'GET', path: `/${'x'.repeat(300)}\u001b[2J`, status: 404 }),
    `GET /${'x'.repeat(119)}…${'x'.repeat(75)}\\u001b[2J 404 84 ms`,
  ],
])('requestLine: answer %# → its line', (one, line) => {
  expect(requestLine(one)).toBe(line);
});
