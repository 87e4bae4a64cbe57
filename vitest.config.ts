import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/install-deno.ts',
    // The reference backend's plain loops take seconds on the larger golden pictures.
    testTimeout: 120_000,
  },
});
