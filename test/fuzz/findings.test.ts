import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute } from './execution.ts';
import { MAX_MS } from './measure.ts';
import { Random } from './random.ts';
import { TARGETS } from './targets.ts';

/*
 * Every input that ever failed. `findings/TARGET/NAME` is what the fuzzer saved.
 */

const FINDINGS = new URL('findings/', import.meta.url);
/** Replays may take twice the limit: other test files run beside them, and no code is warm. */
const SLOWDOWN = 2;

/** Returns the inputs of a target by their names. */
function findingsOf(target: string): [name: string, input: Uint8Array][] {
  const folder = new URL(`${target}/`, FINDINGS);
  const names = readdirSync(FINDINGS).includes(target) ? readdirSync(folder) : [];
  return names.map((name) => [name, new Uint8Array(readFileSync(new URL(name, folder)))]);
}

describe.each(TARGETS.filter(({ name }) => findingsOf(name).length > 0))('$name', (target) => {
  beforeAll(() => target.prepare?.());
  afterAll(() => target.end?.());

  test.each(findingsOf(target.name))(
    '%s, which failed once → an error or a right result',
    async (_, input) => {
      const { fault, ms } = await execute(target, input);
      expect(fault).toBeUndefined();
      expect(ms).toBeLessThan(SLOWDOWN * (target.maxMs ?? MAX_MS));
      await target.check?.(true);
    },
  );
});

describe.each(TARGETS)('inputs of $name', (target) => {
  test('one seed twice → equal inputs, which differ from each other', () => {
    const seeds = target.seeds();
    const make = (execution: number): string => {
      const random = new Random(5, execution);
      const input = random.oneIn(2)
        ? target.generate(random)
        : target.mutate(random, random.pick(seeds), random.pick(seeds));
      return Buffer.from(input).toString('base64');
    };
    const made = Array.from({ length: 12 }, (_, i) => make(i));
    expect(made).toEqual(Array.from({ length: 12 }, (_, i) => make(i)));
    expect(new Set(made).size).toBeGreaterThan(6);
  });
});
