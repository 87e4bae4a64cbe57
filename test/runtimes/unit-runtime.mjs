// vitest and jest: the tests in program/unit/, each in a process of its own.
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { documentedCode } from '../docs/blocks.mjs';
import { writeNamed } from './readme-examples.mjs';
import { run } from './spawn.mjs';

/** Longer than any of these tests takes, also on a busy machine. A call that hangs runs into it. */
const SECONDS = 300;

/**
 * @param program  the runner's
 * @param kinds    name → arguments of the runner, the number of tests, another folder or Node
 * @param env      more of the environment
 */
export async function runUnitTests({ program, place, kinds, env: more = {} }) {
  const cwd = join(place, 'unit');
  const { stdout: wanted } = await run(process.execPath, ['plain.mjs'], { cwd });
  const env = {
    ...process.env,
    ...more,
    TAESD_TOUR: wanted,
    TAESD_FILES: join(place, 'files'),
    // Otherwise a runner takes itself for the one that started this process.
    VITEST: undefined,
    JEST_WORKER_ID: undefined,
  };
  const checks = [];
  const runner = program.includes('jest') ? 'jest' : 'vitest';
  for (const [kind, { args, tests, folder = cwd, node = process.execPath }] of Object.entries(
    kinds,
  )) {
    const output = join(place, `${runner}-${kind.replaceAll(/[ /]/g, '-')}.json`);
    const all = [program, ...args, `--outputFile=${output}`];
    const options = { cwd: folder, env, seconds: SECONDS, anyCode: true };
    const { stderr } = await run(node, all, options);
    checks.push(...checksOf(kind, output, tests, stderr));
  }
  const manifest = join(dirname(program), runner === 'jest' ? '..' : '.', 'package.json');
  return { version: JSON.parse(readFileSync(manifest, 'utf8')).version, checks };
}

/**
 * Writes the examples of docs/unit-tests.md to a folder of their own.
 *
 * @param packages  name → folder of what they import besides this package
 * @returns the folder
 */
export function writeUnitExamples(place, name, packages) {
  const folder = join(place, name);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  writeNamed(folder, [
    documentedCode('docs/unit-tests.md', 'js', 'decode.vitest.test.mjs'),
    documentedCode('docs/unit-tests.md', 'js', 'jest.config.mjs'),
    documentedCode('docs/unit-tests.md', 'js', 'text-coders.mjs'),
    documentedCode('docs/unit-tests.md', 'js', 'png.jest.test.mjs'),
  ]);
  for (const [one, path] of Object.entries(packages)) {
    symlinkSync(path, join(folder, 'node_modules', one));
  }
  return folder;
}

/** A check of each test, and one that they were run. */
function checksOf(kind, output, count, stderr) {
  let results = [];
  try {
    results = JSON.parse(readFileSync(output, 'utf8')).testResults;
  } catch {
    // The check below fails.
  }
  const tests = results.flatMap(({ assertionResults }) => assertionResults);
  const messages = results.map(({ message }) => message).filter(Boolean);
  const words = [...messages, stderr].join(' ').replaceAll(/\s+/g, ' ').slice(0, 1500);
  return [
    {
      name: `${kind}: tests`,
      pass: tests.length === count,
      value: `${tests.length}: ${words}`,
      bound: count,
    },
    ...tests.map(({ title, status, failureMessages }) => ({
      name: `${kind}: ${title}`,
      pass: status === 'passed',
      value: status === 'passed' ? status : failureMessages.join(' ').slice(0, 1500),
      bound: 'passed',
    })),
  ];
}
