import { defineConfig } from 'vitest/config';
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
export default defineConfig({
  test: {
    reporters: ['default', new SkippedReporter()],
    projects: [
      {
        test: {
          name: 'quick',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{slow,browser}.test.ts'],
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
        },
      },
      {
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
        },
      },
      {
        test: {
          name: 'browsers',
          include: ['test/**/*.browser.test.ts'],
          globalSetup: 'test/install-deno.ts',
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
        },
      },
    ],
  },
});
