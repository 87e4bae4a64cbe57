import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { Corpus, readState, writeState } from './corpus.ts';
import { forgetInterrupted, readInterrupted, SharedInput } from './shared.ts';
import { supervise } from './supervise.ts';

const corpus = mkdtempSync(join(tmpdir(), 'taesd-fuzz-supervise-'));
afterAll(() => rmSync(corpus, { recursive: true, force: true }));

/** Makes the folder of a target in which an input runs. */
function running(target: string, execution: number, input: Uint8Array): string {
  const folder = join(corpus, target);
  mkdirSync(folder, { recursive: true });
  const shared = new SharedInput();
  shared.keepIn(folder);
  shared.set(execution - 1, new Uint8Array(100));
  shared.set(execution, input);
  return folder;
}

test('a process that dies at an input → the input is a finding, and another process goes on', async () => {
  const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
  const input = Uint8Array.of(7, 8, 9);
  running('dies', 41, input);
  const codes = ['process.exit(134)', 'process.exit(0)'];
  const start = () => spawn(process.execPath, ['-e', codes.shift() as string]);
  expect(await supervise({ target: 'dies', corpus, minutes: 1, start })).toBe(1);
  expect(codes).toEqual([]);
  const [name, report] = readdirSync(join(corpus, 'findings')).sort();
  expect(new Uint8Array(readFileSync(join(corpus, 'findings', name)))).toEqual(input);
  expect(readFileSync(join(corpus, 'findings', report), 'utf8')).toContain(
    'the process ended with 134',
  );
  expect(log.mock.calls.flat().join('\n')).toContain('npm run fuzz -- dies --replay');
  log.mockRestore();
});

test('an input that runs → it is in a file, without the rest of a longer one before', () => {
  const folder = running('runs', 5, Uint8Array.of(1, 2));
  expect(readInterrupted(folder)).toEqual({ execution: 5, input: Uint8Array.of(1, 2) });
  forgetInterrupted(folder);
  expect(readInterrupted(folder)).toBeUndefined();
});

test('a process that dies while it writes → neither state nor corpus has a half file', () => {
  const folder = join(corpus, 'writes');
  const state = { seed: 1, executions: 2, total: 3, slowestMs: 4, largestBytes: 5 };
  const known = new Corpus(folder);
  known.add(Uint8Array.of(1));
  writeState(folder, state);
  expect(readdirSync(folder)).toEqual(['000000-4bf5122f3445', 'state.json']);
  expect(readState(folder)).toEqual(state);
  expect(new Corpus(folder).inputs).toEqual([Uint8Array.of(1)]);
});
