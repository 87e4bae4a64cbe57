import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest. */
const LONGEST = [
  'test/webgpu/chromium.browser.test.ts',
  'test/webgpu/firefox.browser.test.ts',
  'test/webgpu/deno.browser.test.ts',
  'test/element/element.browser.test.ts',
  'test/one-file/one-file.browser.test.ts',
  'test/explorer/wide-models.browser.test.ts',
  'test/explorer/layers.browser.test.ts',
  'test/explorer/sentences.browser.test.ts',
  'test/hosts/background.browser.test.ts',
  'test/explorer/backend.browser.test.ts',
  'test/explorer/files.browser.test.ts',
  'test/workers.browser.test.ts',
  'test/golden.slow.test.ts',
  'test/workers.test.ts',
  'test/engine-properties.test.ts',
  'test/golden.test.ts',
  'test/cli/steps.test.ts',
  'test/formats/damaged.test.ts',
  'test/cli/work.test.ts',
  'test/dream/dream.slow.test.ts',
  'test/png/generated.test.ts',
  'test/cli/inspect.test.ts',
  'test/examples/node-server.slow.test.ts',
  'test/cli/bad-input.test.ts',
  'test/conformance/conformance.slow.test.ts',
];

/** Starts the longest files first, so that no core is left with one at the end. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
