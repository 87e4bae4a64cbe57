// Where the program is run, in this order, and with what. Each gives its result, or says why it cannot be had.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { browserProgram, runBrowser } from './browser-runtime.mjs';
import { runProcess } from './process-runtime.mjs';
import { run } from './spawn.mjs';
import { runWorkerd } from './workerd-runtime.mjs';

/** A runtime that this machine has not got. */
export class NotRun extends Error {}

/** Deno asks for leave; that is all that the package needs, and the command, which writes and looks for TAESD_DEBUG. */
const DENO_FLAGS = ['run', '--no-prompt', '--allow-read=.'];
const DENO_COMMAND_FLAGS = [...DENO_FLAGS, '--allow-write=.', '--allow-env=TAESD_DEBUG'];

/** As before 2024: nothing of Node there, as in many Workers that were deployed since. */
const WORKERD_WITHOUT_NODE = '2024-01-01';

/**
 * @typedef {object} Runtime
 * @property {string} title
 * @property {string} [installs]  what it is called in install.mjs
 * @property {string} [note]      how it is run, and what is to be known of its speed
 * @property {(context: { place: string, installed: Record<string, { program?: string, reason?: string }> }) => Promise<object>} run
 */

/** @type {Record<string, Runtime>} */
export const RUNTIMES = {
  node20: {
    title: 'Node 20',
    installs: ['node20'],
    run: ({ place, program }) => runProcess({ program: program('node20'), place }),
  },
  node: {
    title: 'Node, newest',
    installs: ['node'],
    run: ({ place, program }) => runProcess({ program: program('node'), place }),
  },
  deno: {
    title: 'Deno',
    installs: ['deno'],
    note: `deno ${DENO_FLAGS.join(' ')}; for the command also ${DENO_COMMAND_FLAGS.slice(3).join(' ')}`,
    run: ({ place, program }) =>
      runProcess({
        program: program('deno'),
        place,
        flags: DENO_FLAGS,
        commandFlags: DENO_COMMAND_FLAGS,
        env: { DENO_DIR: join(place, '.deno'), DENO_NO_UPDATE_CHECK: '1' },
      }),
  },
  bun: {
    title: 'Bun',
    installs: ['bun'],
    note: 'no flags',
    run: ({ place, program }) => runProcess({ program: program('bun'), place, commandFlags: [] }),
  },
  workerd: {
    title: 'workerd',
    installs: ['workerd', 'vite'],
    note: 'compatibilityDate of the day it was made, which brings modules of Node; no flags',
    run: ({ place, program }) => runWorkerd({ program: program('workerd'), place }),
  },
  'workerd-plain': {
    title: 'workerd, no Node',
    installs: ['workerd', 'vite'],
    note: `compatibilityDate ${WORKERD_WITHOUT_NODE}: nothing of Node; no flags`,
    run: ({ place, program }) =>
      runWorkerd({ program: program('workerd'), place, date: WORKERD_WITHOUT_NODE }),
  },
  chromium: {
    title: 'Chromium',
    note: 'plain static server',
    run: ({ place }) => runPlain('chromium', place),
  },
  'chromium-vite': {
    title: 'Chromium, Vite',
    installs: ['vite'],
    note: 'vite build without a configuration',
    run: ({ place, program }) => runBuilt('chromium', place, program('vite')),
  },
  firefox: {
    title: 'Firefox',
    note: 'plain static server',
    run: ({ place }) => runPlain('firefox', place),
  },
  'firefox-vite': {
    title: 'Firefox, Vite',
    installs: ['vite'],
    note: 'vite build without a configuration',
    run: ({ place, program }) => runBuilt('firefox', place, program('vite')),
  },
};

const runPlain = (browser, place) =>
  runBrowser({
    browser,
    program: systemBrowser(browser),
    page: '/by-address.html',
    folders: { '/': place },
  });

/** The page as Vite builds it, of which nothing but the result is served, with the weights beside it. */
async function runBuilt(browser, place, vite) {
  const program = systemBrowser(browser);
  const out = join(place, `vite-${browser}`);
  mkdirSync(out);
  const args = [vite, 'build', '--outDir', out, '--emptyOutDir', '--logLevel', 'warn'];
  const { stdout, stderr } = await run(process.execPath, args, { cwd: place });
  const folders = { '/': out, '/files/': join(place, 'files') };
  const result = await runBrowser({ browser, program, page: '/index.html', folders });
  // Modules of Node in a page are replaced by empty ones, with a warning.
  const warned = /.*(?:externalized|unresolved|node:).*/i.exec(stdout + stderr)?.[0] ?? 'none';
  result.checks.push({
    name: 'Vite: warnings of modules of Node',
    pass: warned === 'none',
    value: warned,
    bound: 'none',
  });
  return result;
}

function systemBrowser(browser) {
  const program = browserProgram(browser);
  if (program !== undefined) return program;
  throw new NotRun(`this machine has none (Debian: apt-get install ${DEBIAN_PACKAGES[browser]})`);
}

const DEBIAN_PACKAGES = { chromium: 'chromium', firefox: 'firefox-esr' };
