import { extname } from 'node:path';
import { expect, test } from 'vitest';
import { CONTENT_TYPES } from '../../explorer/content-types.mjs';
import { type BrowserName, chromium, firefox, runOnPage } from '../page.ts';
import { builtPage } from './built-page.ts';
import { fileNamed } from './site.ts';

/*
 * What a scene's words name stands inside the window, without scrolling, whatever the screen.
 */

const SIZES = [
  [1280, 800],
  [1920, 1080],
  [768, 1024],
  [390, 844],
] as const;

/** The scenes of a sum, and its parts. */
const OF_A_SUM = ['1', '2', '3'];
const SUM_PARTS = ['input', 'window', 'products', 'sum', 'output'];

interface Found {
  readonly scene: string;
  readonly size: string;
  /** The parts that the words name. */
  readonly named: readonly string[];
  /** Those of them, and of the sum, that are not there. */
  readonly missing: readonly string[];
  /** Those that stick out of the window, or lie below the bar. */
  readonly outside: readonly string[];
  /** How much can be scrolled, across and down. */
  readonly scrolls: readonly number[];
}

/**
 * Runs in the browser: the page in a frame of each size, scene by scene. A driver that could set
 * the window's size is there for Chromium alone.
 */
const SCRIPT = `
  const [sizes, ofASum, sumParts] = ${JSON.stringify([SIZES, OF_A_SUM, SUM_PARTS])};
  let frame;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  async function open(scene) {
    // A new one: the document before would be taken for that of the scene.
    frame?.remove();
    frame = document.createElement('iframe');
    frame.style.cssText = 'border:0;position:absolute;left:0;top:0';
    [frame.width, frame.height] = sizes[0];
    frame.src = '/page/#' + scene + '/nano';
    document.body.append(frame);
    const began = Date.now();
    const isDone = () => {
      const status = frame.contentDocument?.querySelector('.status')?.textContent ?? '';
      // A scene may have said something else by now.
      const isDecoded = frame.contentDocument?.querySelectorAll('.ribbon-end').length === 2;
      return status.startsWith('Done: ') || (isDecoded && Date.now() - began > 20_000);
    };
    while (!isDone()) {
      if (Date.now() - began > 120_000) throw new Error('scene ' + scene + ' is never done');
      await wait(50);
    }
    // What is computed after that, such as the first sum.
    await wait(500);
  }
  function look(scene) {
    const page = frame.contentDocument;
    const { innerWidth: width, innerHeight: height } = frame.contentWindow;
    const explorer = page.querySelector('.explorer');
    const low = Math.min(height, page.querySelector('footer').getBoundingClientRect().top);
    const named = new Set();
    return { width, height, page, explorer, low, named };
  }
  const found = [];
  await open('0');
  const scenes = [...frame.contentDocument.querySelectorAll('.scene-nav a')]
    .map((link) => link.getAttribute('href').slice(1));
  for (const scene of scenes) {
    await open(scene);
    for (const [across, down] of sizes) {
      frame.width = across;
      frame.height = down;
      await wait(400);
      const { width, height, page, explorer, low, named } = look(scene);
      const missing = [];
      const outside = [];
      const check = (part) => {
        named.add(part);
        const elements = [...page.querySelectorAll('[data-part="' + part + '"]')];
        if (elements.length === 0) missing.push(part);
        for (const element of elements) {
          const { left, top, right, bottom } = element.getBoundingClientRect();
          const isOut = left < -1 || top < -1 || right > width + 1 || bottom > low + 1;
          if (isOut || right - left < 1 || bottom - top < 1) {
            outside.push([part, left, top, right, bottom].map((n) => n.toFixed?.(0) ?? n).join(' '));
          }
        }
      };
      // The words of the size before have left another half of the scene in front.
      page.querySelector('.stage .panel-tabs button')?.click();
      await wait(100);
      if (ofASum.includes(scene)) sumParts.forEach(check);
      // Where there is room for one half of a scene alone, a word brings its half.
      for (const word of page.querySelectorAll('.scene-text .word')) {
        word.dispatchEvent(new Event('pointerenter'));
        await wait(150);
        if (explorer.dataset.lit) check(explorer.dataset.lit);
        word.dispatchEvent(new Event('pointerleave'));
      }
      const { scrollWidth, scrollHeight } = page.documentElement;
      const scrolls = [scrollWidth - width, scrollHeight - height];
      found.push({ scene, size: across + '×' + down, named: [...named], missing, outside, scrolls });
    }
  }
  return found;
`;

const browsers: readonly [BrowserName, string | undefined][] = [
  ['chromium', chromium],
  ['firefox', firefox],
];
for (const [browser, program] of browsers) {
  test.skipIf(program === undefined)(
    `all scenes at all sizes → what the words name is inside the window [${browser}]`,
    async () => {
      const folder = builtPage();
      const found = (await runOnPage(SCRIPT, {
        browser,
        served: (path) => {
          if (!path.startsWith('/page/')) return undefined;
          const name = path.slice('/page/'.length);
          const bytes = fileNamed(folder, {}, name);
          return bytes && { type: CONTENT_TYPES[extname(name || '.html')] ?? '', bytes };
        },
      })) as readonly Found[];
      expect(found, `${found}`).toBeInstanceOf(Array);
      expect(found.length).toBeGreaterThanOrEqual(2 * SIZES.length);
      for (const { named, scene } of found) {
        expect(named.length, `the words of scene ${scene}`).toBeGreaterThan(0);
      }
      const wrong = found.filter(
        ({ missing, outside, scrolls }) =>
          missing.length > 0 || outside.length > 0 || scrolls.some((by) => by > 1),
      );
      expect(wrong).toEqual([]);
    },
  );
}
