// Where the program is run, in this order, and with what. Each gives its result, or says why it
// cannot be had.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { browserProgram } from '../browsers.mjs';
import { runBrowser } from './browser-runtime.mjs';
import { runEsbuild, runRollup, runViteServer, runWebpack } from './bundler-runtimes.mjs';
import { runNext } from './next-runtime.mjs';
import { hostChecks, permissionChecks, runProcess } from './process-runtime.mjs';
import { run } from './spawn.mjs';
import { runUnitTests, writeUnitExamples } from './unit-runtime.mjs';
import { runWorkerd } from './workerd-runtime.mjs';

/** A runtime that this machine has not got. */
export class NotRun extends Error {}

/**
 * Deno asks for leave; that is all that the package needs, and the command, which writes and looks
 * for TAESD_DEBUG.
 */
const DENO_FLAGS = ['run', '--no-prompt', '--allow-read=.'];
const DENO_COMMAND_FLAGS = [...DENO_FLAGS, '--allow-write=.', '--allow-env=TAESD_DEBUG'];

/**
 * Days that workerd is told to behave as of: with channels, but nothing of Node; without channels
 * too.
 */
const WORKERD_DATES = { plain: '2025-10-01', old: '2024-01-01' };

/**
 * Why V8 is slower where nobody gives it its trap handler; measured with Node 26 and its
 * --disable-wasm-trap-handler.
 */
const BOUNDS_CHECKED =
  'its V8 checks the bounds of each access to memory, where that of Node leaves it to guard pages (Node 26 with --disable-wasm-trap-handler: 1.45 ×)';

const NEXT = ['next', 'react', 'react-dom'];

/**
 * name → title; what it needs of install.mjs; a note on how it is run; why it is slow, where it is.
 * `isUntimed`: none of its times is measured, so another row may run beside it.
 * `run` takes the folder with the installed package, and what gives a runtime's program or throws
 * NotRun.
 */
export const RUNTIMES = {
  node20: {
    title: 'Node 20',
    installs: ['node20'],
    run: ({ place, program }) => runNode(program('node20'), '--experimental-permission', place),
  },
  node: {
    title: 'Node, newest',
    installs: ['node'],
    run: ({ place, program }) => runNode(program('node'), '--permission', place),
  },
  deno: {
    title: 'Deno',
    installs: ['deno'],
    note: `deno ${DENO_FLAGS.join(' ')}; for the command also ${DENO_COMMAND_FLAGS.slice(3).join(' ')}`,
    slow: BOUNDS_CHECKED,
    run: async ({ place, program }) => {
      const env = { DENO_DIR: join(place, '.deno'), DENO_NO_UPDATE_CHECK: '1' };
      const result = await runProcess({
        program: program('deno'),
        place,
        flags: DENO_FLAGS,
        commandFlags: DENO_COMMAND_FLAGS,
        exampleFlags: ['run', '-A'],
        env,
      });
      result.checks.push(...(await permissionChecks(program('deno'), DENO_FLAGS, place, env)));
      return result;
    },
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
    slow: BOUNDS_CHECKED,
    run: ({ place, program }) => runWorkerd({ program: program('workerd'), place }),
  },
  'workerd-plain': {
    title: 'workerd, 2025',
    isUntimed: true,
    installs: ['workerd', 'vite'],
    note: `compatibilityDate ${WORKERD_DATES.plain}: nothing of Node; no flags`,
    run: ({ place, program }) =>
      runWorkerd({
        program: program('workerd'),
        place,
        date: WORKERD_DATES.plain,
        isUntimed: true,
      }),
  },
  'workerd-old': {
    title: 'workerd, 2024',
    isUntimed: true,
    installs: ['workerd', 'vite'],
    note: `compatibilityDate ${WORKERD_DATES.old}: nothing of Node, no MessageChannel; no flags`,
    run: ({ place, program }) =>
      runWorkerd({ program: program('workerd'), place, date: WORKERD_DATES.old, isUntimed: true }),
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
  'vite-dev': {
    title: 'Vite, development',
    isUntimed: true,
    installs: ['vite'],
    run: ({ place, program }) => onChromiumHere(() => runViteServer({ place, program })),
  },
  webpack: {
    title: 'webpack',
    isUntimed: true,
    installs: ['webpack'],
    run: ({ place, program }) => withPackages(['webpack'], program, () => runWebpack({ place })),
  },
  esbuild: {
    title: 'esbuild',
    isUntimed: true,
    installs: ['esbuild'],
    run: ({ place, program }) => withPackages(['esbuild'], program, () => runEsbuild({ place })),
  },
  rollup: {
    title: 'Rollup, Node',
    isUntimed: true,
    installs: ['rollup', '@rollup/plugin-node-resolve'],
    run: ({ place, program }) =>
      withPackages(['rollup', '@rollup/plugin-node-resolve'], program, () => runRollup({ place })),
  },
  next: {
    title: 'Next, Turbopack',
    isUntimed: true,
    installs: NEXT,
    note: 'next build; next start',
    run: (host) =>
      withPackages(NEXT, host.program, () => runNext({ ...host, flags: [], edge: true })),
  },
  'next-webpack': {
    title: 'Next, webpack',
    isUntimed: true,
    installs: NEXT,
    note: 'next build --webpack; next start',
    run: (host) =>
      withPackages(NEXT, host.program, () => runNext({ ...host, flags: ['--webpack'] })),
  },
  vitest: {
    title: 'vitest, jsdom',
    isUntimed: true,
    installs: ['vitest', 'jsdom', 'node'],
    note: 'unit tests with jsdom, with jsdom in a vm context (pool vmThreads), and without; fake timers',
    run: ({ place, program }) =>
      runUnitTests({
        program: program('vitest'),
        place,
        kinds: {
          jsdom: vitest('--environment=jsdom'),
          'jsdom, newest Node': { ...vitest('--environment=jsdom'), node: program('node') },
          'jsdom vmThreads': vitest('--environment=jsdom', '--pool=vmThreads'),
          node: vitest('--environment=node'),
          'docs/unit-tests.md': {
            args: ['run', '--reporter=json', TIMEOUT, 'vitest.test'],
            tests: 1,
            folder: writeUnitExamples(place, 'vitest-examples', {
              vitest: dirname(program('vitest')),
            }),
          },
        },
      }),
  },
  jest: {
    title: 'jest, jsdom',
    isUntimed: true,
    installs: ['jest', 'jest-environment-jsdom', 'node'],
    note: 'node --experimental-vm-modules; unit tests with jsdom and without; fake timers',
    run: ({ place, program }) =>
      runUnitTests({
        program: program('jest'),
        place,
        env: { NODE_OPTIONS: '--experimental-vm-modules' },
        kinds: {
          jsdom: jest(7, { ...jsdom(program), setupFiles: ['<rootDir>/text-coders.mjs'] }),
          'jsdom, nothing set up': jest(3, jsdom(program), 'fake'),
          'jsdom, nothing set up, newest Node': {
            ...jest(3, jsdom(program), 'fake'),
            node: program('node'),
          },
          node: jest(7, { testEnvironment: 'node' }),
          'docs/unit-tests.md': {
            args: ['--json', TIMEOUT],
            tests: 1,
            folder: writeUnitExamples(place, 'jest-examples', {
              'jest-environment-jsdom': join(program('jest-environment-jsdom'), '../..'),
            }),
          },
        },
      }),
  },
};

const TIMEOUT = '--testTimeout=240000';

const vitest = (...args) => ({
  args: ['run', '--globals', '--reporter=json', TIMEOUT, ...args],
  tests: 7,
});

/** @param pattern  of the files' names */
const jest = (tests, config, ...pattern) => {
  const modules = { transform: {}, moduleFileExtensions: ['mjs', 'js'] };
  const all = { testMatch: ['**/*.test.mjs'], ...modules, ...config };
  return { args: [...pattern, '--json', TIMEOUT, '--config', JSON.stringify(all)], tests };
};

const jsdom = (program) => ({ testEnvironment: program('jest-environment-jsdom') });

/** Runs what needs packages and Chromium; throws NotRun if one cannot be had. */
function withPackages(names, program, run) {
  for (const name of names) program(name);
  return onChromiumHere(run);
}

function onChromiumHere(run) {
  systemBrowser('chromium');
  return run();
}

/** Runs the program in Node, then the checks of hosts that refuse. */
async function runNode(program, permission, place) {
  const result = await runProcess({ program, place });
  if (process.platform === 'linux') {
    result.checks.push(...(await hostChecks(program, permission, place)));
  }
  return result;
}

const runPlain = (browser, place) =>
  runBrowser({
    browser,
    program: systemBrowser(browser),
    page: '/by-address.html',
    folders: { '/': place },
    place,
  });

/**
 * The page as Vite builds it, of which nothing but the result is served, with the weights beside
 * it.
 */
async function runBuilt(browser, place, vite) {
  const program = systemBrowser(browser);
  const out = join(place, `vite-${browser}`);
  mkdirSync(out);
  const args = [vite, 'build', '--outDir', out, '--emptyOutDir', '--logLevel', 'warn'];
  const { stdout, stderr } = await run(process.execPath, args, { cwd: place });
  const folders = { '/': out, '/files/': join(place, 'files') };
  const result = await runBrowser({ browser, program, page: '/index.html', folders, place });
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
