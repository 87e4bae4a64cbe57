import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodePng } from '../../src/png/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { sharedFile, testShared } from '../shared.ts';
import { startTaesd, taesd, temporaryFolder } from './command-line.ts';
import { randomPicture } from './tiny-files.ts';

/*
 * Addresses with a name and password: servers get them, and nothing shows them.
 */

const at = temporaryFolder();
writeFileSync(at('in.png'), encodePng(randomPicture(8, 8, 3)));

/** The header of each request. */
const authorizations: (string | undefined)[] = [];
const server = createServer(({ url = '', headers }, response) => {
  authorizations.push(headers.authorization);
  const name = url.split('/').at(-1) ?? '';
  if (url.startsWith('/weights/')) response.end(sharedFile(`weights/${name}`));
  else response.writeHead(403).end('no');
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
beforeEach(() => {
  authorizations.length = 0;
});
afterAll(() => void server.close());
const host = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;

const SECRET = /s3|cret/;
/** `me`, and `s3:cr@et` with and without its escapes. */
const USERS = ['me:s3%3Acr%40cret', 'me:s3:cr@cret'];
const BASIC = `Basic ${Buffer.from('me:s3:cr@cret').toString('base64')}`;

/** Runs the command as a process, so that the server of this thread can answer. */
async function run(args: string[], env: Record<string, string> = {}) {
  const cache = at(`cache${Math.random()}`);
  const more = { XDG_CACHE_HOME: cache, LOCALAPPDATA: cache, TAESD_DEBUG: '1', ...env };
  return startTaesd(args, more).ended;
}

/** Returns all that a program could print of an error: its causes and stacks too. */
const wholeError = (error: unknown) => inspect(error, { depth: 9, showHidden: true });

describe('the command', () => {
  const commands = (url: string): readonly [string[], Record<string, string>][] => {
    const encode = ['encode', at('in.png'), '-o', at('z.png')];
    return [
      [['pull', '--from', url], {}],
      [[...encode, '--weights', url], {}],
      [encode, { TAESD_WEIGHTS: url }],
    ];
  };

  test('a server that refuses: --from, --weights, TAESD_WEIGHTS → they get to it, and are not shown', async () => {
    const url = `http://${USERS[1]}@${host()}/w`;
    const runs = commands(url).map(([args, env]) => run(args, env));
    for (const { code, stderr } of await Promise.all(runs)) {
      expect(code).toBe(1);
      expect(stderr).toContain(`http://…@${host()}/w`);
      expect(stderr).not.toMatch(SECRET);
    }
    expect(new Set(authorizations)).toEqual(new Set([BASIC]));
  });

  test('a server that is not there → the address without them', () => {
    for (const user of USERS) {
      for (const [args, env] of commands(`http://${user}@127.0.0.1:2/w`)) {
        const { code, stderr } = taesd(args, { env: { ...env, TAESD_DEBUG: '1' } });
        expect(code).toBe(1);
        expect(stderr).toContain('http://…@127.0.0.1:2/w');
        expect(stderr).not.toMatch(SECRET);
      }
    }
  });

  test('models, --json → the address without them', () => {
    for (const args of [['models'], ['models', '--json']]) {
      const env = { TAESD_WEIGHTS: `http://${USERS[1]}@127.0.0.1:2/w` };
      const { stdout, stderr } = taesd(args, { env });
      expect(stdout).toContain('http://…@127.0.0.1:2/w');
      expect(stdout + stderr).not.toMatch(SECRET);
    }
  });

  test.each([
    'http://me:s3/cret@host/w',
    'https://me:s3?cret@host',
    'http://me:s3#cret@host/w',
    'http://s3cret@127.0.0.1:2/w',
    'data://me:s3cret@host',
  ])('%s: wrong, or a token as the name → an error without it', (url) => {
    for (const args of [
      ['pull', '--from', url],
      ['encode', at('in.png'), '-o', at('z.png'), '--weights', url],
    ]) {
      const { code, stderr } = taesd(args, { env: { TAESD_DEBUG: '1' } });
      expect(code).toBe(1);
      expect(stderr).not.toMatch(SECRET);
    }
  });

  test('HTTPS_PROXY with a password that refuses → the host alone', () => {
    const env = { HTTPS_PROXY: `http://${USERS[1]}@127.0.0.1:1`, TAESD_DEBUG: '1' };
    const { stderr } = taesd(['pull', '--from', 'https://weights.test/w'], { env });
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr).not.toMatch(SECRET);
  });
});

describe('the API', () => {
  testShared('load: weights behind a password → loaded; info without it', async () => {
    const weights = `http://${USERS[0]}@${host()}/weights/`;
    const loaded = await Taesd.load({ model: 'taesd', weights, workers: 0 });
    expect(loaded.info.weights).toBe(`http://…@${host()}/weights/`);
    loaded.dispose();
    expect(new Set(authorizations)).toEqual(new Set([BASIC]));
  });

  test('load: refused, not there, no address → errors, with their causes, without it', async () => {
    for (const place of [`${host()}/w`, '127.0.0.1:2/w', 'host:port/w']) {
      const weights = `http://${USERS[1]}@${place}`;
      const error = await Taesd.load({ model: 'taesd', weights }).catch((thrown) => thrown);
      expect(error).toMatchObject({ name: 'TaesdError', code: 'ARG' });
      expect(wholeError(error)).not.toMatch(SECRET);
      const byUrl = URL.canParse(weights) ? new URL(weights) : weights;
      const again = await Taesd.load({ model: 'taesd', weights: byUrl }).catch((thrown) => thrown);
      expect(wholeError(again)).not.toMatch(SECRET);
    }
  });
});
