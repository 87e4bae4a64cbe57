import { beforeAll, describe, expect, test } from 'vitest';
import { encodeLatentPng } from '../../src/formats/index.ts';
import { Taesd } from '../../src/taesd.ts';
import { HASH } from '../hash.ts';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';

/*
 * `<taesd-preview>` on a page: what it shows, what it says to screen readers, what it frees.
 */

const LATENTS = `{
  shape: [1, 4, 6, 10],
  data: Float32Array.from({ length: 4 * 60 }, (_, i) => 2 * Math.sin(i / 7)),
}`;
const evaluate = <Value>(code: string): Value => new Function(`return ${code}`)();
const latents = evaluate<{ shape: number[]; data: Float32Array }>(LATENTS);

/** The hash of nano's picture in `fast`, and of its corner. */
let wanted: number;
let cropped: number;
beforeAll(async () => {
  const taesd = await Taesd.load({ model: 'nano', precision: 'fast', workers: 0 });
  const hash = evaluate<(bytes: Uint8ClampedArray) => number>(HASH);
  wanted = hash((await taesd.decode(latents)).data);
  cropped = hash((await taesd.decode(latents, { width: 77, height: 41 })).data);
  taesd.dispose();
});

/** Code with the element defined, and helpers to wait for its events and to look into it. */
const PRELUDE = `
  const { defineTaesdPreview } = await import('/dist/element/index.js');
  defineTaesdPreview();
  const latents = ${LATENTS};
  const hash = ${HASH};
  const next = (element, name) => new Promise((resolve, reject) => {
    element.addEventListener(name, ({ detail }) => resolve(detail), { once: true });
    if (name !== 'error') element.addEventListener('error', ({ detail }) => reject(detail), { once: true });
  });
  const make = (attributes = {}) => {
    const element = document.createElement('taesd-preview');
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const inside = (element, part) => element.shadowRoot.querySelector('[part~=' + part + ']');
  const look = (element) => {
    const canvas = inside(element, 'picture');
    const status = inside(element, 'status');
    const { width, height } = canvas;
    const pixels = canvas.hidden ? [] : canvas.getContext('2d').getImageData(0, 0, width, height).data;
    return {
      size: [width, height],
      hash: hash(pixels),
      name: canvas.getAttribute('aria-label'),
      status: status.textContent,
      isError: status.part.contains('error'),
      placeholder: !inside(element, 'placeholder').hidden,
    };
  };
`;

for (const [browser, program] of [
  ['chromium', chromium],
  ['firefox', firefox],
] as const) {
  if (program === undefined) console.warn(`skipping tests of the element: no ${browser} here`);
  const run = (code: string, options: object = {}) =>
    runOnPage(PRELUDE + code, { browser: browser as BrowserName, ...options });

  describe.skipIf(program === undefined)(`<taesd-preview> [${browser}]`, () => {
    test('latents → nano’s picture, its name, one load, the frame’s facts; before that a placeholder', async () => {
      const found = await run(`
        const element = make();
        document.body.append(element);
        const before = look(element);
        let loads = 0;
        element.addEventListener('load', () => loads++);
        element.latents = latents;
        const { elapsedMs, ...frame } = await next(element, 'frame');
        const first = look(element);
        element.steps = 20;
        element.push(latents, 3);
        const third = await next(element, 'frame');
        return { before, first, frame, elapsed: elapsedMs > 0, loads, third: look(element).name,
          status: look(element).status };`);
      const shown = { size: [80, 48], hash: wanted, isError: false, placeholder: false };
      expect(found).toEqual({
        before: {
          ...{ size: [300, 150], hash: 7, name: null, status: '' },
          ...{ isError: false, placeholder: true },
        },
        first: { ...shown, name: 'Preview, 80 × 48', status: 'Preview, 80 × 48' },
        frame: { dropped: 0, width: 80, height: 48 },
        elapsed: true,
        loads: 1,
        third: 'Preview, step 4 of 20, 80 × 48',
        status: 'Preview, 80 × 48',
      });
    });

    test('src: the address of a latent PNG, a Blob, bytes → its picture, cropped', async () => {
      const file = encodeLatentPng({ latents, model: 'taesd', width: 77, height: 41 });
      const exact = await run(
        `
        const found = [];
        const element = make({ src: '/weights/a.png', alt: 'A lake' });
        document.body.append(element);
        await next(element, 'frame');
        found.push(look(element));
        const bytes = await (await fetch('/weights/a.png')).arrayBuffer();
        for (const src of [new Blob([bytes]), bytes, await fetch('/weights/a.png')]) {
          element.src = src;
          await next(element, 'frame');
          found.push(look(element));
        }
        return { names: found.map(({ name }) => name), hashes: new Set(found.map(({ hash }) => hash)).size,
          size: found[3].size, attribute: element.hasAttribute('src') };`,
        { mapped: true, weights: (name: string) => (name === 'a.png' ? file : undefined) },
      );
      expect(exact).toEqual({
        names: Array(4).fill('A lake, 77 × 41'),
        hashes: 1,
        size: [77, 41],
        attribute: false,
      });
    });

    test('numbers alone, with the sizes of attributes → the picture', async () => {
      const found = await run(`
        const element = make({ width: 77, height: 41 });
        document.body.append(element);
        element.latents = latents.data;
        await next(element, 'frame');
        return [look(element), getComputedStyle(element).width];`);
      expect(found).toMatchObject([{ size: [77, 41], hash: cropped }, '77px']);
    });

    test('faults → the event, a visible sentence; the next latents are shown', async () => {
      const found = await run(`
        const element = make();
        document.body.append(element);
        const errors = [];
        const trials = [
          () => { element.src = '/weights/none.png'; },
          () => { element.latents = { shape: [1, 5, 1, 1], data: new Float32Array(5) }; },
          () => { element.model = 'taesdx'; element.latents = latents; },
          () => { element.model = undefined; element.width = 'wide'; element.latents = latents; },
          () => { element.width = undefined; element.latents = new Float32Array(7); },
          () => { element.taesd = {}; element.latents = latents; },
          () => { element.taesd = undefined; element.src = {}; },
        ];
        for (const trial of trials) {
          const error = next(element, 'error');
          trial();
          const { name, code, message } = await error;
          errors.push([name, code, message, look(element).status === message, look(element).isError]);
        }
        element.latents = latents;
        await next(element, 'frame');
        return { errors, after: look(element) };`);
      const { errors, after } = found as { errors: unknown[][]; after: object };
      expect(errors.map(([name, code, , ...rest]) => [name, code, ...rest])).toEqual(
        ['NETWORK', 'SHAPE', 'ARG', 'ARG', 'ARG', 'ARG', 'ARG'].map((code) => [
          ...['TaesdError', code, true, true],
        ]),
      );
      expect(errors.map(([, , message]) => message)).toEqual([
        expect.stringMatching(
          /^taesd-preview: http.*none\.png: "source" expected HTTP status 200 to 299, got 404$/,
        ),
        expect.stringContaining('expected shape [N,4,h,w]'),
        expect.stringContaining('"model" expected one of taesd, '),
        expect.stringContaining('"width" expected a whole number'),
        'taesd-preview: "latents" expected 4 channels of a square, or an element with width and height, got 7 numbers',
        expect.stringContaining('expected an instance from Taesd.load'),
        expect.stringContaining('"src" expected an address'),
      ]);
      expect(after).toMatchObject({ hash: wanted, isError: false });
    });

    test('a loop while the model is loaded → the newest alone; the others dropped', async () => {
      const found = await run(`
        const element = make({ steps: 9 });
        document.body.append(element);
        const frames = [];
        element.addEventListener('frame', ({ detail: { step, dropped } }) => frames.push([step, dropped]));
        const last = new Promise((resolve) => {
          element.addEventListener('frame', ({ detail }) => { if (detail.step === 8) resolve(); });
        });
        for (let step = 0; step < 8; step++) {
          element.push({ ...latents, data: latents.data.map((x) => x * step / 9) }, step);
          await new Promise((resolve) => setTimeout(resolve, 0));
        }
        element.push(latents, 8);
        await last;
        const total = frames.reduce((sum, [, dropped]) => sum + dropped + 1, 0);
        return { last: frames.at(-1)[0], total, hash: look(element).hash, status: look(element).status };`);
      expect(found).toEqual({
        last: 8,
        total: 9,
        hash: wanted,
        status: 'Preview, step 9 of 9, 80 × 48',
      });
    });

    test('moved → not loaded again; removed → the model freed; back → works again', async () => {
      const found = await run(`
        const { Taesd } = await import('/dist/taesd.js');
        let disposals = 0;
        const { dispose } = Taesd.prototype;
        Taesd.prototype.dispose = function () { disposals++; dispose.call(this); };
        const element = make({ model: 'nano' });
        let loads = 0;
        element.addEventListener('load', () => loads++);
        const loaded = next(element, 'load');
        document.body.append(element);
        await loaded;
        const other = document.createElement('div');
        document.body.append(other);
        other.append(element);
        await new Promise((resolve) => setTimeout(resolve, 20));
        element.latents = latents;
        await next(element, 'frame');
        const moved = { loads, disposals };
        element.remove();
        await new Promise((resolve) => setTimeout(resolve, 20));
        const removed = { loads, disposals };
        element.latents = latents;
        document.body.append(element);
        await next(element, 'frame');
        const shared = await Taesd.load({ model: 'nano', workers: 0 });
        const [a, b] = [make(), make()];
        document.body.append(a, b);
        for (const one of [a, b]) one.taesd = shared;
        for (const one of [a, b]) one.latents = latents;
        await Promise.all([next(a, 'frame'), next(b, 'frame')]);
        a.remove();
        b.remove();
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { moved, removed, back: { loads, disposals }, equal: look(a).hash === look(b).hash };`);
      expect(found).toEqual({
        moved: { loads: 1, disposals: 0 },
        removed: { loads: 1, disposals: 1 },
        back: { loads: 2, disposals: 1 },
        equal: true,
      });
    });

    test('frames in a body, as events, on a socket → each picture, its step; the socket is told and closed', async () => {
      const found = await run(`
        const { encodeFrame } = await import('/dist/preview/index.js');
        const frame = (step, more) => encodeFrame(latents, { model: 'taesd', type: 'f16', step, steps: 2, ...more });
        const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
        const events = [0, 1].map((step) => 'event: latents\\ndata: ' + base64(frame(step)) + '\\n\\n').join('');
        const sse = new Response(events, { headers: { 'content-type': 'text/event-stream' } });
        const body = () => new Response(new Blob([frame(0), frame(1)]));
        class Socket extends EventTarget {
          readyState = 1;
          told = [];
          send(text) { this.told.push(text); }
          close() { this.readyState = 3; }
          say(data) { this.dispatchEvent(new MessageEvent('message', { data: data.buffer })); }
        }
        const socket = new Socket();
        const found = {};
        for (const [name, src] of Object.entries({ body: body(), stream: body().body, sse, bytes: await body().arrayBuffer(), socket })) {
          const element = make({ alt: name });
          document.body.append(element);
          const last = new Promise((resolve, reject) => {
            element.addEventListener('frame', ({ detail }) => { if (detail.step === 1) resolve(detail); });
            element.addEventListener('error', ({ detail }) => reject(detail));
          });
          element.src = src;
          if (name === 'socket') {
            // Its first frame says the model, and must not be lost.
            await new Promise((resolve) => setTimeout(resolve, 500));
            for (const step of [0, 1]) socket.say(frame(step, { acknowledge: true }));
          }
          const { steps } = await last;
          await new Promise((resolve) => setTimeout(resolve, 50));
          const { name: words, hash, status } = look(element);
          found[name] = { words, hash, status, steps };
          element.remove();
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
        return { found, told: JSON.parse(socket.told.at(-1)), state: socket.readyState };`);
      const {
        found: shown,
        told,
        state,
      } = found as {
        found: Record<string, { hash: number }>;
        told: object;
        state: number;
      };
      const hashes = new Set(Object.values(shown).map(({ hash }) => hash));
      expect(hashes.size).toBe(1);
      for (const name of ['body', 'stream', 'sse', 'bytes', 'socket']) {
        const words = `${name}, step 2 of 2, 80 × 48`;
        expect(shown[name]).toMatchObject({ words, status: words, steps: 2 });
      }
      expect([told, state]).toEqual([{ done: 2, step: 1 }, 3]);
    });

    test('frames of another model, a damaged frame → nano-sdxl; the error, and the next is shown', async () => {
      const found = await run(`
        const { encodeFrame } = await import('/dist/preview/index.js');
        const good = encodeFrame(latents, { model: 'taesdxl', step: 1 });
        const damaged = good.slice();
        new DataView(damaged.buffer).setFloat32(44, NaN, true);
        class Socket extends EventTarget {
          readyState = 1;
          send() {}
          close() { this.readyState = 3; }
          say(data) { this.dispatchEvent(new MessageEvent('message', { data: data.buffer })); }
        }
        const socket = new Socket();
        const element = make();
        document.body.append(element);
        const loaded = next(element, 'load');
        element.src = socket;
        await new Promise((resolve) => setTimeout(resolve, 500));
        socket.say(good);
        const { model } = await loaded;
        await next(element, 'frame');
        const error = next(element, 'error');
        socket.say(damaged);
        const { code, message } = await error;
        socket.say(good);
        await next(element, 'frame');
        const lost = next(element, 'error');
        socket.dispatchEvent(new CloseEvent('close', { code: 1006 }));
        const { code: end } = await lost;
        return { model, code, message, end };`);
      expect(found).toEqual({
        model: 'nano-sdxl',
        code: 'FORMAT',
        message: expect.stringContaining('"range of channel 0" expected min ≤ max, both finite'),
        end: 'NETWORK',
      });
    });

    test('one script tag: taesd-preview.min.js → the element, nano from beside it', async () => {
      const file = encodeLatentPng({ latents, model: 'taesd', width: 77, height: 41 });
      const asked: string[] = [];
      const found = await runOnPage(
        `
        document.body.innerHTML = '<taesd-preview src="/weights/a.png"></taesd-preview>';
        const element = document.querySelector('taesd-preview');
        const shown = new Promise((resolve, reject) => {
          element.addEventListener('frame', ({ detail }) => resolve(detail));
          element.addEventListener('error', ({ detail }) => reject(detail));
        });
        const script = document.createElement('script');
        Object.assign(script, { type: 'module', src: '/dist/taesd-preview.min.js' });
        document.head.append(script);
        const { width, height } = await shown;
        const files = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
        return { size: [width, height], files: files.filter((name) => name.startsWith('/dist/')) };`,
        {
          browser: browser as BrowserName,
          weights: (name) => {
            asked.push(name);
            return name === 'a.png' ? file : undefined;
          },
        },
      );
      expect(found).toEqual({
        size: [77, 41],
        files: ['/dist/taesd-preview.min.js', '/dist/nano.js'],
      });
      expect(asked).toContain('a.png');
    });

    test('odd values of every property → nothing is thrown; each error is a TaesdError; works on', async () => {
      const found = await run(`
        const element = make();
        document.body.append(element);
        const others = [];
        let errors = 0;
        element.addEventListener('error', ({ detail }) => {
          errors++;
          if (detail.name !== 'TaesdError') others.push(String(detail));
        });
        const rejected = [];
        addEventListener('unhandledrejection', ({ reason }) => rejected.push(String(reason)));
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        const trap = () => { throw new Error('hostile'); };
        const odd = [null, undefined, 0, -1, NaN, '', 'x', 7n, Symbol('x'), () => 1, [], {}, proxy,
          Object.create(null), new Proxy({}, { get: trap, has: trap, ownKeys: trap }),
          { toString: trap }, new Uint8Array(0), new Float32Array(0), new Float32Array(3), new Date(NaN)];
        const names = ['model', 'weights', 'space', 'alt', 'width', 'height', 'resolution', 'steps',
          'download', 'src', 'taesd', 'latents'];
        for (const name of names) {
          for (const value of odd) {
            try {
              element[name] = value;
              element.push(latents);
              element.push(value, value);
            } catch (error) {
              others.push(name + ' ' + error);
            }
            await new Promise((resolve) => setTimeout(resolve, 0));
          }
          element[name] = undefined;
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
        const shown = next(element, 'frame');
        element.latents = latents;
        await shown.catch(() => next(element, 'frame'));
        return { others, rejected, hasErrors: errors > 20, hash: look(element).hash };`);
      expect(found).toEqual({ others: [], rejected: [], hasErrors: true, hash: wanted });
    });

    test('another model → the address is opened anew; an empty alt → hidden from readers', async () => {
      const file = encodeLatentPng({ latents });
      const found = await run(
        `
        const element = make({ src: '/weights/a.png', alt: '' });
        document.body.append(element);
        const models = [];
        element.addEventListener('load', ({ detail }) => models.push(detail.model));
        await next(element, 'frame');
        const first = look(element);
        element.model = 'nano-sdxl';
        await next(element, 'frame');
        const second = look(element);
        const canvas = inside(element, 'picture');
        return { models, differ: first.hash !== second.hash, name: second.name, role: canvas.getAttribute('role') };`,
        { mapped: true, weights: (name: string) => (name === 'a.png' ? file : undefined) },
      );
      expect(found).toEqual({
        models: ['nano', 'nano-sdxl'],
        differ: true,
        name: null,
        role: 'none',
      });
    });

    test('markup, properties set before the definition, a strict policy → shown', async () => {
      const policy = `default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'`;
      const found = await runOnPage(
        `
        document.body.innerHTML = '<taesd-preview width="80" height="48"></taesd-preview>';
        const element = document.querySelector('taesd-preview');
        element.latents = ${LATENTS};
        const shown = new Promise((resolve) => element.addEventListener('frame', resolve));
        ${PRELUDE}
        await shown;
        defineTaesdPreview();
        return [look(element).hash, getComputedStyle(inside(element, 'picture')).position];`,
        { browser: browser as BrowserName, policy },
      );
      expect(found).toEqual([wanted, 'absolute']);
    });
  });
}
