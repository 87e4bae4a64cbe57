import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { proxyFor } from '../../src/cli/network/proxy.ts';
import { encodePng } from '../../src/png/index.ts';
import { startTaesd, temporaryFolder } from './command-line.ts';
import { CERTIFICATE, proxyAndServer } from './proxy.ts';
import { randomPicture } from './tiny-files.ts';

/*
 * Errors of the network, and the proxies that the environment names. No request leaves the machine.
 */

const at = temporaryFolder();
writeFileSync(at('ca.pem'), CERTIFICATE);
writeFileSync(at('in.png'), encodePng(randomPicture(8, 8, 3)));
const { seen, address } = proxyAndServer((path) =>
  path.startsWith('/moved/')
    ? [302, path.replace('moved', 'here')]
    : path.startsWith('/here/')
      ? [200, 'x']
      : [500, 'no'],
);

/** Runs it as a process, while the servers of this thread answer. */
async function run(args: string[], env: Record<string, string>) {
  const cache = at(`cache${Math.random()}`);
  const more = { NODE_EXTRA_CA_CERTS: at('ca.pem'), XDG_CACHE_HOME: cache, LOCALAPPDATA: cache };
  const { code, stderr } = await startTaesd(args, { ...more, ...env }).ended;
  return { code, lines: stderr.split('\n').slice(0, -1) };
}

describe('errors of the network', () => {
  test('pull: no mirror answers → a line for each address, then --from and a proxy', async () => {
    // A port that refuses: nothing listens below 2.
    const { code, lines } = await run(['pull'], { HTTPS_PROXY: 'http://127.0.0.1:1' });
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

  test('pull --from, encode --weights: nothing answers → the address, the reason, a proxy', async () => {
    const pulled = await run(['pull', '--from', 'http://127.0.0.1:2/w'], {});
    expect(pulled).toEqual({
      code: 1,
      lines: [
        'taesd: "http://127.0.0.1:2/w/taesd_encoder.safetensors" expected an answer, got connect ECONNREFUSED 127.0.0.1:2 (no network?)',
        'taesd: weights of taesd: cannot be fetched (behind a proxy, set HTTPS_PROXY)',
      ],
    });
    const args = ['encode', at('in.png'), '-o', at('z.png'), '--weights', 'http://127.0.0.1:2/w'];
    expect(await run(args, {})).toEqual({
      code: 1,
      lines: [
        'taesd: "http://127.0.0.1:2/w/taesd_encoder.safetensors" expected an answer, got fetch failed (connect ECONNREFUSED 127.0.0.1:2; behind a proxy, set HTTPS_PROXY)',
      ],
    });
  });
});

describe('proxies', () => {
  const wrong = (url: string) =>
    `taesd: "${url}" expected a file of 2450568 bytes, got 1 (another file?)`;

  test('pull: HTTPS_PROXY → a tunnel, with a name and a password; redirects too', async () => {
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
  });

  test('pull, encode: HTTP_PROXY without a scheme → asked for the whole address', async () => {
    const from = 'http://weights.test/here';
    const { code, lines } = await run(['pull', '--from', from], { HTTP_PROXY: address() });
    expect({ code, lines }).toEqual({
      code: 1,
      lines: [wrong(`${from}/taesd_encoder.safetensors`)],
    });
    expect(seen).toEqual([`GET ${from}/taesd_encoder.safetensors`]);
    const args = ['encode', at('in.png'), '-o', at('z.png'), '--weights', 'http://weights.test/no'];
    expect((await run(args, { http_proxy: `http://${address()}` })).lines).toEqual([
      'taesd: "http://weights.test/no/taesd_encoder.safetensors" expected HTTP status 200 to 299, got 500',
    ]);
  });

  test('pull: a proxy that refuses, that is not there → said with its address', async () => {
    const from = 'https://refused.test/w';
    const { lines } = await run(['pull', '--from', from], { HTTPS_PROXY: `http://${address()}` });
    expect(lines[0]).toContain(`got status 403 from the proxy ${address()}`);
    const none = await run(['pull', '--from', from], { https_proxy: 'http://127.0.0.1:1' });
    expect(none.lines[0]).toContain('got the proxy 127.0.0.1:1: connect ECONNREFUSED');
    expect(none.lines[1]).toContain('through the proxy in https_proxy');
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
    ['file:///x', { ALL_PROXY: 'p:1' }, undefined],
  ])('proxyFor: %s, %j → %s', (url, env, proxy) => {
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
    const before = { ...process.env };
    for (const name of names.flatMap((one) => [one, one.toLowerCase()])) delete process.env[name];
    Object.assign(process.env, env);
    try {
      expect(proxyFor(new URL(url))?.href).toBe(proxy);
    } finally {
      for (const name of Object.keys(env)) delete process.env[name];
      Object.assign(process.env, before);
    }
  });
});
