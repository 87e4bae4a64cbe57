import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Picture, Taesd, type Tensor } from '../../../src/index.ts';
import { decodePicture } from '../../../src/picture/index.ts';
import { decodePng } from '../../../src/png/index.ts';
import { randomTensor, seededRandom } from '../../random.ts';
import { type Serving, serveTaesd, taesdAsProcess, temporaryFolder } from '../command-line.ts';
import { writeWeights } from '../tiny-files.ts';

/* The command `taesd serve`, as a process that is asked over HTTP. */

const at = temporaryFolder();
const latents = smooth(24, 32);

/** Latents of a soft picture: JPEG shows noise badly. */
function smooth(height: number, width: number): Tensor {
  const data = Float32Array.from({ length: 4 * height * width }, (_, i) => {
    const [c, y, x] = [Math.floor(i / height / width), Math.floor(i / width) % height, i % width];
    return 1.5 * Math.sin(c + x / 5) * Math.cos(y / 6);
  });
  return { shape: [1, 4, height, width], data };
}

const OF_SD = { dtype: 'float32', scaling_factor: '0.18215', output_type: 'pil' };

/** The query of diffusers' `remote_decode`, whose lists are repeated names. */
function protocol({ shape }: Tensor, more: Readonly<Record<string, string>> = {}) {
  const query = new URLSearchParams(shape.map((size) => ['shape', `${size}`]));
  for (const [name, value] of Object.entries({ ...OF_SD, ...more })) query.set(name, value);
  return `/decode?${query}`;
}

const post = (url: string, { data }: Tensor) => {
  const headers = { 'content-type': 'tensor/binary' };
  return fetch(url, { method: 'POST', headers, body: new Uint8Array(data.slice().buffer) });
};

const bytesOf = async (answer: Response) => new Uint8Array(await answer.arrayBuffer());

/** The RGB bytes of RGBA or RGB ones. */
const coloursOf = ({ data }: { readonly data: ArrayLike<number> }) =>
  Uint8Array.from(data).filter((_, i) => i % 4 !== 3);

let taesd: Taesd;
let picture: Picture;
beforeAll(async () => {
  taesd = await Taesd.load({ model: 'nano', workers: 0 });
  picture = await taesd.decode(latents);
});
afterAll(() => taesd.dispose());

describe('a server', () => {
  let server: Serving;
  beforeAll(async () => {
    server = await serveTaesd(['--workers', '0']);
  });
  afterAll(() => server.child.kill('SIGKILL'));

  test('GET / → the requests in words; /health → JSON; /models → the small models, nano first', async () => {
    const usage = await fetch(`${server.url}/`);
    expect([usage.status, usage.headers.get('content-type')]).toEqual([
      200,
      'text/plain; charset=utf-8',
    ]);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
    const models = await (await fetch(`${server.url}/models`)).json();
    expect(models).toMatchObject({ default: 'nano' });
    const names = models.models.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['nano', 'nano-sdxl', 'nano-sd3', 'nano-flux1']);
  });

  test('diffusers’ remote_decode: PNG → the pixels of decode', async () => {
    const answer = await post(server.url + protocol(latents), latents);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png']);
    const decoded = decodePng(await bytesOf(answer));
    expect([decoded.width, decoded.height]).toEqual([256, 192]);
    expect(coloursOf(decoded)).toEqual(coloursOf(picture));
  });

  test('diffusers’ remote_decode: JPEG → within 40 dB of the PNG, and half of its bytes', async () => {
    const answer = await post(server.url + protocol(latents, { image_format: 'jpg' }), latents);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const bytes = await bytesOf(answer);
    const decoded = await decodePicture(bytes);
    expect([decoded.width, decoded.height]).toEqual([256, 192]);
    const [got, exact] = [coloursOf(decoded), coloursOf(picture)];
    const sum = got.reduce((before, value, i) => before + (value - exact[i]) ** 2, 0);
    expect(10 * Math.log10(255 ** 2 / (sum / got.length))).toBeGreaterThan(40);
    const png = await bytesOf(await post(server.url + protocol(latents), latents));
    expect(bytes.length).toBeLessThan(png.length / 2);
  });

  test('8 JPEG pictures at once → each its own', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        const small = smooth(4, n + 1);
        const url = server.url + protocol(small, { image_format: 'jpg' });
        return decodePicture(await bytesOf(await post(url, small)));
      }),
    );
    expect(all.map(({ width, height }) => [width, height])).toEqual(
      Array.from({ length: 8 }, (_, n) => [8 * n + 8, 32]),
    );
  });

  test('each request → a line on stderr with method, path, status, contents and milliseconds', async () => {
    await bytesOf(await post(server.url + protocol(latents), latents));
    await bytesOf(await post(server.url + protocol(latents, { output_type: 'pt' }), latents));
    await bytesOf(await fetch(`${server.url}/else%0a`));
    // Lines of earlier requests may still be on their way when these begin.
    const lines = () => server.said().split('\n').slice(0, -1);
    while (!lines().at(-1)?.includes('/else'))
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(lines().slice(-3)).toEqual([
      expect.stringMatching(/^taesd: POST \/decode 200 256×192 \d+ ms$/),
      expect.stringMatching(/^taesd: POST \/decode 200 \[1,3,192,256\] \d+ ms$/),
      expect.stringMatching(/^taesd: GET \/else%0a 404 NOT_FOUND \d+ ms$/),
    ]);
  });

  test('a port in use → one line, exit 1', () => {
    const { port } = new URL(server.url);
    expect(taesdAsProcess(['serve', '--port', port, '--quiet'])).toEqual({
      code: 1,
      stdout: '',
      stderr: `taesd: --port: expected a free port, got ${port}, which is in use (--port 0 takes a free one)\n`,
    });
  });
});

test.each([
  ['192.0.2.1', '"192.0.2.1"'],
  ['no-such-host.invalid', '"no-such-host.invalid"'],
])('--host %s → one line, exit 1', (host, got) => {
  expect(taesdAsProcess(['serve', '--port', '0', '--host', host, '--quiet'])).toEqual({
    code: 1,
    stdout: '',
    stderr: `taesd: --host: expected an address of this machine, got ${got}\n`,
  });
});

test('--model without weights → the line of every command, exit 1, before it listens', () => {
  const { code, stdout, stderr } = taesdAsProcess(['serve', '--port', '0', '--model', 'taesd']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    /^taesd: "weights of taesd" expected .*npx taesd pull taesd fetches them.*\n$/,
  );
});

test('weights of taesd at hand → it takes the place of nano; --host 0.0.0.0 → a note', async () => {
  writeWeights(at('weights'), ['taesd']);
  const { child, url, said } = await serveTaesd(['--host', '0.0.0.0'], {
    TAESD_WEIGHTS: at('weights'),
  });
  const { port } = new URL(url);
  const models = await (await fetch(`http://127.0.0.1:${port}/models`)).json();
  expect(models.models.map(({ name }: { name: string }) => name)).toEqual([
    'taesd',
    'nano-sdxl',
    'nano-sd3',
    'nano-flux1',
  ]);
  expect(said()).toContain(
    'taesd: note: other machines may use this server: it has no password and no TLS\n',
  );
  child.kill('SIGKILL');
});

test('--model nano-sd3,nano --max-pixels 4096 → both, in that order; 64×64 → a picture, 72×64 → 413', async () => {
  const { child, url } = await serveTaesd([
    ...['--model', 'nano-sd3,nano', '--max-pixels', '4096', '--quiet'],
  ]);
  const models = await (await fetch(`${url}/models`)).json();
  expect([models.default, models.models.length]).toEqual(['nano-sd3', 2]);
  const answers = [smooth(8, 8), smooth(8, 9)].map((one) => post(url + protocol(one), one));
  const [small, large] = await Promise.all(answers);
  expect((await decodePicture(await bytesOf(small))).width).toBe(64);
  expect([large.status, (await large.json()).code]).toEqual([413, 'LIMIT']);
  child.kill('SIGKILL');
});

describe('signals', () => {
  const large = randomTensor(seededRandom(5), [1, 4, 128, 128], 2);

  /** Sends a picture of 1024×1024, and returns the answer once it has begun. */
  async function begun({ url }: Serving): Promise<IncomingMessage> {
    const call = request(url + protocol(large), { method: 'POST', agent: false });
    call.end(new Uint8Array(large.data.slice().buffer));
    return new Promise<IncomingMessage>((resolve) => {
      call.on('response', resolve);
    });
  }

  test('SIGTERM in the middle of an answer → the whole answer, no new connection, exit 143', async () => {
    const server = await serveTaesd(['--quiet', '--workers', '0']);
    const answer = await begun(server);
    server.child.kill('SIGTERM');
    const { width, height } = decodePng(await buffer(answer));
    expect([width, height]).toEqual([1024, 1024]);
    expect(await server.ended).toEqual({
      code: 143,
      stderr: 'taesd: interrupted by SIGTERM, every request has its answer\n',
    });
    await expect(fetch(server.url)).rejects.toThrow();
  });

  test('SIGINT twice beside a client that does not read → at once, exit 130', async () => {
    const server = await serveTaesd(['--workers', '0', '--timeout', '600']);
    const answer = await begun(server);
    answer.on('error', () => undefined);
    server.child.kill('SIGINT');
    while (!server.said().includes('to finish')) await new Promise((go) => setTimeout(go, 10));
    server.child.kill('SIGINT');
    const { code, stderr } = await server.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /taesd: note: 1 request to finish; another signal ends it\ntaesd: interrupted by SIGINT, 1 request cut off\n$/,
    );
  });

  test('SIGTERM with nothing to do → at once, exit 143', async () => {
    const server = await serveTaesd(['--quiet']);
    await (await fetch(`${server.url}/health`)).text();
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual({
      code: 143,
      stderr: 'taesd: interrupted by SIGTERM, every request has its answer\n',
    });
  });
});

describe('without @jsquash/jpeg', () => {
  const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
  const place = mkdtempSync(join(tmpdir(), 'taesd-serve-'));
  afterAll(() => rmSync(place, { recursive: true }));

  /** True if a folder above the place has the packages, where imports would find them. */
  function hasThemAbove(): boolean {
    for (let above = dirname(place); ; above = dirname(above)) {
      if (existsSync(join(above, 'node_modules/@jsquash'))) return true;
      if (above === dirname(above)) return false;
    }
  }

  test('JPEG → 501 with what to install; PNG → the picture', async ({ skip }) => {
    if (hasThemAbove()) {
      if (process.env.CI) throw new Error('CI must not skip this test');
      skip('a folder above that of temporary files has the packages');
    }
    const modules = join(place, 'node_modules');
    mkdirSync(modules);
    cpSync(join(ROOT, 'dist'), join(modules, 'taesd-wasm/dist'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(modules, 'taesd-wasm/package.json'));
    for (const name of ['fast-png', 'fflate']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }
    const main = join(modules, 'taesd-wasm/dist/cli/main.js');
    const { child, url } = await serveTaesd(['--quiet', '--model', 'nano'], {}, main);
    const answer = await post(url + protocol(latents, { image_format: 'jpg' }), latents);
    expect([answer.status, await answer.json()]).toEqual([
      501,
      {
        code: 'UNSUPPORTED',
        message:
          'decode: JPEG files need the optional package @jsquash/jpeg (npm install @jsquash/jpeg)',
      },
    ]);
    expect((await post(url + protocol(latents), latents)).status).toBe(200);
    child.kill('SIGKILL');
  });
});
