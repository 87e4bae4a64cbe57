import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const EXAMPLE = fileURLToPath(new URL('../../examples/roundtrip.mjs', import.meta.url));

test.each([
  [['--wieghts', 'x'], "Unknown option '--wieghts'"],
  [['DIR'], "Unexpected argument 'DIR'"],
  [['--weights'], "Option '--weights <value>' argument missing"],
])('examples/roundtrip.mjs: %j → what is wrong, the usage, exit 1', (args, problem) => {
  const options = { encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [EXAMPLE, ...args], options);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  const [first, ...rest] = stderr.split('\n');
  expect(first).toContain(problem);
  expect(rest).toEqual(['', '  npm run example [-- --model taesd] [--weights DIR]', '']);
});
