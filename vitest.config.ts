import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { publicEntries } from './explorer/public-entries.ts';
import { LongestFirst } from './test/longest-first.ts';
import { SkippedReporter } from './test/skipped-reporter.ts';

/** Generous: no test may fail because the machine is slow or busy. */
const PATIENCE_MS = 600_000;

/*
 * Three suites; the end of a file's name says which one it is in.
 *
 *   x.test.ts          quick: `npm test`
 *   x.slow.test.ts     slow: `npm run test:all` alone
 *   x.browser.test.ts  browsers: `npm run test:browsers`
 */
/** Quick files that the slow suite runs again, at full length. */
const FULL_LENGTH = [
  'test/backend/agreement.test.ts',
  'test/backend/schedule.test.ts',
  'test/backend/winograd*.test.ts',
  'test/barriers.test.ts',
  'test/cli/**/*.test.ts',
  'test/conformance/conformance.test.ts',
  'test/deflate/inflate.test.ts',
  'test/engine-properties.test.ts',
  'test/formats/damaged.test.ts',
  'test/formats/python-files.test.ts',
  'test/formats/read-latents.test.ts',
  'test/formats/usual-spread.test.ts',
  'test/golden.test.ts',
  'test/hosts/hosts.test.ts',
  'test/nano.test.ts',
  'test/network/network.test.ts',
  'test/non-finite.test.ts',
  'test/null-options.test.ts',
  'test/picture/decode-picture.test.ts',
  'test/png/generated.test.ts',
  'test/png/hostile.test.ts',
  'test/png/stream.test.ts',
  'test/png/unfilter.test.ts',
  'test/preview/predict-original.test.ts',
  'test/readme.test.ts',
  'test/resolution.test.ts',
  'test/safetensors/*.test.ts',
  'test/steps.test.ts',
  'test/taew2_1.test.ts',
  'test/taesd.test.ts',
  'test/webgpu/bands.test.ts',
  'test/weights/pull-processes.test.ts',
  'test/wide-models.test.ts',
  'test/workers.test.ts',
  'test/zip/read-zip.test.ts',
];

/**
 * Not among them: at full length, each of its 105 tests would be a process that ends before it reads a file.
 * `bad-input.test.ts` runs such processes, with the code and the streams of their end.
 */
const QUICK_ALONE = 'test/cli/usage.test.ts';

/**
 * Quick files that get a process of their own, since they replace modules, globals or the environment, or measure memory.
 * The others share one: starting a process and loading src/ take longer than most of them.
 */
const OWN_PROCESS = [
  'test/backend/module.test.ts',
  'test/cli/pull.test.ts',
  'test/nano.test.ts',
  'test/non-finite.test.ts',
  'test/png/stream.test.ts',
  'test/png/unfilter.test.ts',
  'test/remote/kept-bytes.test.ts',
  'test/weights/folder-store.test.ts',
  'test/weights/locate.test.ts',
  'test/weights/odd-files.test.ts',
  'test/weights/pull.test.ts',
  'test/workers.test.ts',
];

/** Packages that the tests of runtimes install below test/ bring tests of their own. */
const INSTALLED = '**/node_modules/**';

const common = {
  setupFiles: 'test/fast-equality.ts',
  testTimeout: PATIENCE_MS,
  hookTimeout: PATIENCE_MS,
  expect: { poll: { timeout: 60_000 } },
};

/** The explorer’s files import the package by its name. */
const resolve = { alias: publicEntries() };

export default defineConfig({
  test: {
    // One more than there are cores: some tests wait for timers, servers and processes.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', new SkippedReporter()],
    projects: [
      {
        resolve,
        test: {
          ...common,
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: [INSTALLED, 'test/**/*.{slow,browser}.test.ts', ...OWN_PROCESS],
          isolate: false,
        },
      },
      {
        test: { ...common, name: 'quick, alone', include: OWN_PROCESS },
      },
      {
        resolve,
        test: {
          ...common,
          name: 'slow',
          include: ['test/**/*.slow.test.ts', ...FULL_LENGTH],
          exclude: [INSTALLED, 'test/**/*.browser.test.ts', QUICK_ALONE],
          env: { TAESD_TEST_FULL_LENGTH: '1' },
        },
      },
      {
        resolve,
        test: {
          ...common,
          name: 'browsers',
          include: ['test/**/*.browser.test.ts'],
          // About one page in a thousand stands still on a busy machine. The last lines of a run name
          // each test that needed its second try.
          retry: 1,
          globalSetup: 'test/install-deno.ts',
        },
      },
    ],
  },
});
