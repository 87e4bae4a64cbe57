import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { useProxies } from '../../src/cli/network/fetch-through-proxy.ts';
import { proxyFor } from '../../src/cli/network/proxy.ts';
import { TaesdError } from '../../src/errors.ts';
import { encodeLatentSafetensors } from '../../src/formats/index.ts';
import { encodePng } from '../../src/png/index.ts';
import { testAtFullLength } from '../full-length.ts';
import { startTaesd, taesd, temporaryFolder } from './command-line.ts';
import { makeIdentity, OPENSSL_ABSENT, proxyAndServer } from './proxy.ts';
import { randomPicture } from './tiny-files.ts';

/*
 * Errors of the network, and the proxies that the environment names. No request leaves the machine.
 */

const at = temporaryFolder();
const identity = makeIdentity(at);
writeFileSync(at('in.png'), encodePng(randomPicture(8, 8, 3)));
const { seen, arrived, address, secureAddress } = proxyAndServer((path) => {
  if (path.startsWith('/moved/')) return [302, path.replace('moved', 'here')];
  if (path.startsWith('/away/')) return [302, `http://weights.test${path.replace('away', 'here')}`];
  if (path.startsWith('/data/')) return [302, 'data:,x'];
  return path.startsWith('/here/') ? [200, 'x'] : [500, 'no'];
}, identity);

/** Adds a test of the secure server, which needs a certificate. */
function testWithCertificate(name: string, body: () => Promise<void>): void {
  test(name, ({ skip }) => {
    if (identity !== undefined) return body();
    if (process.env.CI) throw new Error(`${OPENSSL_ABSENT}, and CI must not skip this test`);
    return skip(OPENSSL_ABSENT);
  });
}

/** Runs `work` with these variables alone naming proxies. */
async function withProxies<T>(env: Record<string, string>, work: () => T): Promise<Awaited<T>> {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
  const before = { ...process.env };
  for (const name of names.flatMap((one) => [one, one.toLowerCase()])) delete process.env[name];
  Object.assign(process.env, env);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

/** Runs `work` with a `fetch` that uses the proxies of these variables. */
async function fetching<T>(env: Record<string, string>, work: () => T): Promise<Awaited<T>> {
  const before = globalThis.fetch;
  try {
    return await withProxies(env, () => {
      useProxies();
      return work();
    });
  } finally {
    globalThis.fetch = before;
  }
}

/** Runs it as a process, while the servers of this thread answer. */
async function run(args: string[], env: Record<string, string>) {
  const cache = at(`cache${Math.random()}`);
  const trusted = identity === undefined ? '' : at('ca.pem');
  const more = { NODE_EXTRA_CA_CERTS: trusted, XDG_CACHE_HOME: cache, LOCALAPPDATA: cache };
  const { code, stderr } = await startTaesd(args, { ...more, ...env }).ended;
  return { code, lines: stderr.split('\n').slice(0, -1) };
}

/** Runs it without the servers of this thread, which waits meanwhile. */
function runHere(args: string[], env: Record<string, string>) {
  const cache = at(`cache${Math.random()}`);
  const { code, stderr } = taesd(args, {
    env: { XDG_CACHE_HOME: cache, LOCALAPPDATA: cache, ...env },
  });
  return { code, lines: stderr.split('\n').slice(0, -1) };
}

describe('errors of the network', () => {
  test('pull: no mirror answers → a line for each address, then --from and a proxy', () => {
    // A port that refuses: nothing listens below 2.
    const { code, lines } = runHere(['pull'], { HTTPS_PROXY: 'http://127.0.0.1:1' });
    expect(code).toBe(1);
    const addresses = lines.slice(0, -1);
    expect(addresses.length).toBeGreaterThan(1);
    for (const line of addresses) {
      expect(line.match(/https?:\/\//g)).toHaveLength(1);
      expect(line).toMatch(/^taesd: "https:.+taesd_encoder\.safetensors" expected an answer, got /);
    }
    expect(lines.at(-1)).toBe(
      'taesd: weights of taesd: cannot be fetched (--from DIR|URL fetches them from another place; ' +
        'through the proxy in HTTPS_PROXY; NO_PROXY exempts hosts)',
    );
  });

  test('pull --from, encode --weights: nothing answers → the address, the reason, a proxy', () => {
    const pulled = runHere(['pull', '--from', 'http://127.0.0.1:2/w'], {});
    expect(pulled).toEqual({
      code: 1,
      lines: [
        'taesd: "http://127.0.0.1:2/w/taesd_encoder.safetensors" expected an answer, got connect ECONNREFUSED 127.0.0.1:2 (nothing listens there)',
        'taesd: weights of taesd: cannot be fetched (behind a proxy, set HTTPS_PROXY)',
      ],
    });
    const args = ['encode', at('in.png'), '-o', at('z.png'), '--weights', 'http://127.0.0.1:2/w'];
    expect(runHere(args, {})).toEqual({
      code: 1,
      lines: [
        'taesd: "http://127.0.0.1:2/w/taesd_encoder.safetensors" expected an answer, got connect ECONNREFUSED 127.0.0.1:2 (nothing listens there; behind a proxy, set HTTPS_PROXY)',
      ],
    });
    const { stdout } = taesd(['models'], { env: { TAESD_WEIGHTS: 'http://127.0.0.1:2/w' } });
    expect(stdout.match(/unreadable: .+; behind a proxy, set HTTPS_PROXY\)/g)).toHaveLength(9);
  });

  testAtFullLength(
    'pull --from: a server that answers 500 → the status, and no advice about proxies',
    async () => {
      const from = `http://${address()}/no`;
      const { code, lines } = await run(['pull', '--from', from], {});
      expect({ code, lines }).toEqual({
        code: 1,
        lines: [
          `taesd: "${from}/taesd_encoder.safetensors" expected HTTP status 200, got 500`,
          'taesd: weights of taesd: cannot be fetched',
        ],
      });
    },
  );
});

/**
 * Returns the code and message of a pull that fails. It is a process of its own, because Node reads
 * the certificates to trust when it starts.
 */
async function pulledAsProcess(from: string, env: Record<string, string>) {
  const built = (path: string) => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url));
  const script = `
    const { useProxies } = await import(${built('cli/network/fetch-through-proxy.js')});
    const { pullModel } = await import(${built('weights/pull.js')});
    const { VARIANTS } = await import(${built('index.js')});
    useProxies();
    await pullModel(VARIANTS.taesd, ['encoder'], { from: new URL(${JSON.stringify(from)}) }).then(
      () => console.log('{}'),
      ({ code, message }) => console.log(JSON.stringify({ code, message })),
    );`;
  const cache = at(`cache${Math.random()}`);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    { env: { PATH: process.env.PATH, XDG_CACHE_HOME: cache, LOCALAPPDATA: cache, ...env } },
  );
  return JSON.parse(stdout) as { code?: string; message?: string };
}

describe('proxies', () => {
  const wrong = (url: string) =>
    `taesd: "${url}" expected a file of 2450568 bytes, got 1 (another file?)`;

  testWithCertificate(
    'pull: HTTPS_PROXY → a tunnel, with a name and a password; redirects too',
    async () => {
      const HTTPS_PROXY = `http://me:p%40ss@${address()}`;
      const from = 'https://weights.test/moved';
      const { code, lines } = await run(['pull', '--from', from], { HTTPS_PROXY });
      // The length of the file shows that it came from the server behind the proxy.
      expect({ code, lines }).toEqual({
        code: 1,
        lines: [wrong(`${from}/taesd_encoder.safetensors`)],
      });
      const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
      const tunnel = `CONNECT weights.test:443 ${authorization}`;
      expect(seen).toEqual([tunnel, tunnel]);
      // Neither the proxy nor the server gets the name and password of the proxy as their own.
      const file = 'taesd_encoder.safetensors';
      expect(arrived).toEqual([`GET /moved/${file}`, `GET /here/${file}`]);
    },
  );

  testWithCertificate(
    'pull: the proxy answers 201 to CONNECT, a password with a bare % → a tunnel',
    async () => {
      const HTTPS_PROXY = `http://me:50%@${address()}`;
      const from = 'https://weights.test:8443/here';
      const { lines } = await run(['pull', '--from', from], { HTTPS_PROXY });
      expect(lines).toEqual([wrong(`${from}/taesd_encoder.safetensors`)]);
      const authorization = `Basic ${Buffer.from('me:50%').toString('base64')}`;
      expect(seen).toEqual([`CONNECT weights.test:8443 ${authorization}`]);
    },
  );

  testWithCertificate('pull: a proxy with https: → its own certificate counts', async () => {
    // Node would otherwise look for the name plain.test in it.
    const from = 'http://plain.test/here';
    const { lines } = await run(['pull', '--from', from], { HTTP_PROXY: secureAddress() });
    expect(lines).toEqual([wrong(`${from}/taesd_encoder.safetensors`)]);
    expect(arrived).toEqual([`GET ${from}/taesd_encoder.safetensors`]);
  });

  testWithCertificate(
    'a certificate that is not trusted, or of another host → NETWORK, no request',
    async () => {
      const cases = [
        ['https://weights.test/here/', '', /self-signed certificate/],
        ['https://other.test/here/', at('ca.pem'), /does not match certificate's altnames/],
      ] as const;
      for (const [from, NODE_EXTRA_CA_CERTS, reason] of cases) {
        const env = { NODE_EXTRA_CA_CERTS, HTTPS_PROXY: `http://${address()}` };
        const { code, message } = await pulledAsProcess(from, env);
        expect({ from, code }).toEqual({ from, code: 'NETWORK' });
        expect(message).toMatch(reason);
      }
      expect(seen).toEqual(['CONNECT weights.test:443', 'CONNECT other.test:443']);
      expect(arrived).toEqual([]);
    },
  );

  testAtFullLength(
    'pull, encode: HTTP_PROXY without a scheme → asked for the whole address',
    async () => {
      const from = 'http://weights.test/here';
      const { code, lines } = await run(['pull', '--from', from], { HTTP_PROXY: address() });
      expect({ code, lines }).toEqual({
        code: 1,
        lines: [wrong(`${from}/taesd_encoder.safetensors`)],
      });
      expect(seen).toEqual([`GET ${from}/taesd_encoder.safetensors`]);
      const args = [
        'encode',
        at('in.png'),
        '-o',
        at('z.png'),
        '--weights',
        'http://weights.test/no',
      ];
      expect((await run(args, { http_proxy: `http://${address()}` })).lines).toEqual([
        'taesd: "http://weights.test/no/taesd_encoder.safetensors" expected HTTP status 200 to 299, got 500',
      ]);
    },
  );

  test('pull: a proxy that refuses, that is not there → said with its address', async () => {
    const from = 'https://refused.test/w';
    const { lines } = await run(['pull', '--from', from], { HTTPS_PROXY: `http://${address()}` });
    expect(lines[0]).toContain(`got status 403 from the proxy ${address()}`);
    const none = runHere(['pull', '--from', from], { https_proxy: 'http://127.0.0.1:1' });
    expect(none.lines[0]).toContain('got the proxy 127.0.0.1:1: connect ECONNREFUSED');
    expect(none.lines[1]).toContain('through the proxy in https_proxy');
  });

  test('encode: a proxy that refuses, that is not there → the reason, and the proxy', async () => {
    const url = 'https://refused.test/w';
    const args = ['encode', at('in.png'), '-o', at('z.png'), '--weights', url];
    const line = (reason: string) =>
      `taesd: "${url}/taesd_encoder.safetensors" expected an answer, got ${reason}through the proxy in HTTPS_PROXY; NO_PROXY exempts hosts)`;
    const refused = await run(args, { HTTPS_PROXY: `http://${address()}` });
    expect(refused.lines).toEqual([line(`status 403 from the proxy ${address()} (`)]);
    const none = runHere(args, { HTTPS_PROXY: 'http://127.0.0.1:1' });
    const refusal = 'the proxy 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1';
    expect(none.lines).toEqual([line(`${refusal} (nothing listens there; `)]);
  });

  test('encode, pull: HTTPS_PROXY that names no proxy → its name, and no password', () => {
    const rule = '"HTTPS_PROXY" expected http://HOST:PORT or https://HOST:PORT, got ';
    const got = `${rule}an address with socks5h://`;
    const env = { HTTPS_PROXY: 'socks5h://me:secret@127.0.0.1:1' };
    const url = 'https://weights.test/here';
    const encode = ['encode', at('in.png'), '-o', at('z.png'), '--weights', url];
    expect(runHere(encode, env)).toEqual({ code: 1, lines: [`taesd: ${got}`] });
    expect(runHere(['pull', '--from', url], env)).toEqual({ code: 1, lines: [`taesd: ${got}`] });
    // Each file has several mirrors.
    expect(runHere(['pull'], env)).toEqual({ code: 1, lines: [`taesd: ${got}`] });
  });

  test('sheet: no answer, a proxy that is none → the reason and the advice; a matrix draws', () => {
    mkdirSync(at('sheet'), { recursive: true });
    const latents = { shape: [1, 32, 1, 1], data: new Float32Array(32) };
    const bytes = encodeLatentSafetensors({ latents, model: 'taef2' });
    writeFileSync(at('sheet/a.safetensors'), bytes);
    const note = (reason: string) => ({
      code: 0,
      lines: [`taesd: note: a matrix draws the latents of taef2, by colours alone: ${reason}`],
    });
    const from = (url: string) => ['sheet', at('sheet'), '-o', at('s.png'), '--weights', url];
    expect(runHere(from('http://127.0.0.1:2/w'), {})).toEqual(
      note(
        '"http://127.0.0.1:2/w/taef2_decoder.safetensors" expected an answer, got connect ECONNREFUSED 127.0.0.1:2 (nothing listens there; behind a proxy, set HTTPS_PROXY)',
      ),
    );
    expect(runHere(from('https://weights.test/here'), { HTTPS_PROXY: 'ftp://p:1' })).toEqual(
      note(
        '"HTTPS_PROXY" expected http://HOST:PORT or https://HOST:PORT, got an address with ftp://',
      ),
    );
  });

  test.each([
    ['socks5h://me:secret@p:1', 'an address with socks5h://'],
    ['me:secret@p:port', 'text that is no address'],
    [' ', 'text that is no address'],
    [
      'http://me:1/secret@p:1',
      'an address with @ after its host (a password with / ? or # unescaped?)',
    ],
  ])('HTTP_PROXY=%s → ARG, and no request', async (HTTP_PROXY, got) => {
    const fails = async () => fetch(`http://${address()}/here/x`);
    const error = await fetching({ HTTP_PROXY }, () => fails().catch((thrown) => thrown));
    expect(error).toBeInstanceOf(TaesdError);
    expect(error.code).toBe('ARG');
    expect(error.message).toBe(
      `"HTTP_PROXY" expected http://HOST:PORT or https://HOST:PORT, got ${got}`,
    );
    expect(seen).toEqual([]);
    const again = await fetching({ HTTP_PROXY: address() }, () => fetch('http://a.test/here/x'));
    expect(await again.text()).toBe('x');
  });

  test('fetch: a Request → its method and headers reach the server', async () => {
    const headers = { authorization: 'Bearer t' };
    const env = { HTTP_PROXY: `http://me:pw@${address()}` };
    const { status } = await fetching(env, () =>
      fetch(new Request('http://weights.test/here/x', { method: 'HEAD', headers })),
    );
    expect(status).toBe(200);
    const own = `Basic ${Buffer.from('me:pw').toString('base64')}`;
    expect(seen).toEqual([`HEAD http://weights.test/here/x ${own} authorization Bearer t`]);
  });

  test('fetch: a server without proxy redirects → the next host is asked through it', async () => {
    const env = { HTTP_PROXY: address(), NO_PROXY: '127.0.0.1' };
    const headers = { authorization: 'Bearer t' };
    const text = await fetching(env, async () =>
      (await fetch(`http://${address()}/away/x`, { headers })).text(),
    );
    expect(text).toBe('x');
    // The header was meant for the first server alone.
    expect(seen).toEqual(['GET /away/x authorization Bearer t', 'GET http://weights.test/here/x']);
  });

  test('fetch: a redirect to data:, POST through a proxy, an abort → rejected as fetch does', async () => {
    const failure = (url: string, init?: RequestInit) =>
      fetching({ HTTP_PROXY: address() }, () => fetch(url, init).catch((thrown) => thrown));
    const data = await failure('http://weights.test/data/x');
    expect(data).toBeInstanceOf(TypeError);
    expect(data).toMatchObject({
      message: 'fetch failed',
      cause: { message: 'a redirect to data:' },
    });
    const post = await failure('http://weights.test/here/x', { method: 'POST', body: 'x' });
    expect(post).toMatchObject({ cause: { message: 'POST cannot go through a proxy' } });
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    expect(await failure('http://weights.test/here/x', { signal })).toBe(reason);
  });

  test.each([
    ['https://a.test/x', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
    ['https://a.test/x', { https_proxy: 'p:2', HTTPS_PROXY: 'http://p:1' }, 'http://p:2/'],
    ['http://a.test/x', { HTTPS_PROXY: 'http://p:1' }, undefined],
    ['http://a.test/x', { ALL_PROXY: 'http://p:1' }, 'http://p:1/'],
    ['https://a.test/x', { HTTPS_PROXY: '' }, undefined],
    ['https://a.test/x', { HTTPS_PROXY: 'p:1', NO_PROXY: 'b.test, a.test' }, undefined],
    ['https://www.a.test/x', { HTTPS_PROXY: 'p:1', NO_PROXY: '.a.test' }, undefined],
    ['https://ba.test/x', { HTTPS_PROXY: 'p:1', NO_PROXY: 'a.test' }, 'http://p:1/'],
    ['https://a.test:8/x', { HTTPS_PROXY: 'p:1', no_proxy: 'a.test:9' }, 'http://p:1/'],
    ['https://a.test:8/x', { HTTPS_PROXY: 'p:1', no_proxy: 'a.test:8' }, undefined],
    ['https://a.test/x', { HTTPS_PROXY: 'p:1', NO_PROXY: '*' }, undefined],
    ['https://a.test/x', { HTTPS_PROXY: 'p:1', NO_PROXY: 'a.test:443' }, undefined],
    ['http://a.test/x', { HTTP_PROXY: 'p:1', NO_PROXY: '*.test:80' }, undefined],
    ['http://a.test/x', { HTTP_PROXY: 'p:1', NO_PROXY: 'a.test:443' }, 'http://p:1/'],
    ['http://[::1]:8080/x', { HTTP_PROXY: 'p:1', NO_PROXY: '[::1]' }, undefined],
    ['http://[::1]:8080/x', { HTTP_PROXY: 'p:1', NO_PROXY: '::1' }, undefined],
    ['http://[::1]:8080/x', { HTTP_PROXY: 'p:1', NO_PROXY: '0:0:0:0:0:0:0:1' }, undefined],
    ['http://[::1]:8080/x', { HTTP_PROXY: 'p:1', NO_PROXY: '[::1]:8080' }, undefined],
    ['http://[::1]:8081/x', { HTTP_PROXY: 'p:1', NO_PROXY: '[::1]:8080' }, 'http://p:1/'],
    ['http://[::2]/x', { HTTP_PROXY: 'p:1', NO_PROXY: '::1, fe80::1%eth0' }, 'http://p:1/'],
    ['file:///x', { ALL_PROXY: 'p:1' }, undefined],
  ])('proxyFor: %s, %j → %s', async (url, env, proxy) => {
    expect(await withProxies(env, () => proxyFor(new URL(url))?.href)).toBe(proxy);
  });
});
