import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { processorMs } from '../processor-time.ts';
import { Corpus, type State } from './corpus.ts';
import type { Finding } from './finding.ts';
import { havoc } from './havoc.ts';
import { type News, runLoop } from './loop.ts';
import { SharedInput } from './shared.ts';
import { type Target, WrongResult } from './target.ts';

/*
 * The fuzzer on targets with planted faults.
 */

const folder = mkdtempSync(join(tmpdir(), 'taesd-fuzz-loop-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const BAD = 0xa7;

/** A reader of bytes whose outcome is their longest run of one value, and which fails on `BAD`. */
const planted = (run: Target['run']): Target => ({
  name: 'planted',
  batch: 64,
  seeds: () => [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
  generate: (random) => random.bytes(8),
  mutate: (random, input, other) => havoc(random, input, { other }),
  run,
});

/**
 * Runs so many executions.
 *
 * @returns the findings, the last state and the inputs, each once: slow ones are measured again
 */
async function runs(target: Target, name: string, seed: number, executions: number) {
  const findings: Finding[] = [];
  const inputs = new Set<string>();
  let state: State = { seed, executions: 0, total: 0, slowestMs: 0, largestBytes: 0 };
  const shared = new SharedInput();
  const run = (input: Uint8Array) => {
    inputs.add(Buffer.from(input).toString('hex'));
    return target.run(input);
  };
  const send = (news: News): void => {
    if (news.kind === 'finding') findings.push(news.finding);
    if (news.kind === 'state') state = news.state;
  };
  const own = { ...target, run };
  await runLoop({
    target: own,
    folder: join(folder, name),
    state,
    until: Infinity,
    executions,
    shared,
    send,
  });
  return { findings, state, inputs: [...inputs] };
}

test('a byte that makes a reader wrong → one finding, made smaller to that byte', async () => {
  const target = planted((input) => {
    if (input.includes(BAD)) throw new WrongResult('the planted fault');
    return 'ok';
  });
  const { findings, state } = await runs(target, 'wrong', 1, 640);
  expect(state.executions).toBe(640);
  expect(findings.map(({ signature }) => signature)).toEqual([
    expect.stringContaining('WrongResult the planted fault'),
  ]);
  expect([...findings[0].input]).toEqual([BAD]);
});

test('a reader that is slow for some bytes → a finding', async () => {
  const target = planted((input) => {
    const end = processorMs() + (input.includes(BAD) ? 12 : 0);
    while (processorMs() < end);
    return 'ok';
  });
  const { findings } = await runs({ ...target, maxMs: 6 }, 'slow', 1, 192);
  expect(findings.map(({ signature }) => signature)).toEqual(['slow']);
  expect([...findings[0].input]).toEqual([BAD]);
});

test('one seed twice → the same inputs; a new outcome → its input is in the corpus', async () => {
  const target = planted((input) => `${input.length > 40}`);
  const [first, second] = [await runs(target, 'a', 3, 256), await runs(target, 'b', 3, 256)];
  expect(second.inputs).toEqual(first.inputs);
  const lengths = new Corpus(join(folder, 'a')).inputs.map(({ length }) => length);
  expect(lengths[0]).toBe(8);
  expect(lengths.some((length) => length > 40)).toBe(true);
});
