// Node, Deno and Bun: a process each, and the command in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './spawn.mjs';

/** The command's entry, as the link in node_modules/.bin has it. */
const COMMAND = 'node_modules/.bin/taesd';

/**
 * @param flags         what goes before the module's name
 * @param commandFlags  what goes before the command's
 */
export async function runProcess({ program, place, flags = [], commandFlags, env }) {
  const options = { cwd: place, env: { ...process.env, NO_COLOR: '1', ...env } };
  const version = await run(program, ['--version'], options);
  const { stdout } = await run(program, [...flags, 'process-host.mjs'], options);
  const result = JSON.parse(stdout);
  if (commandFlags !== undefined) {
    result.checks.push(...(await commandChecks(program, commandFlags, options)));
  }
  return { ...result, version: /\d+\.\d+\.\d+/.exec(version.stdout)[0] };
}

/** The command there, against the same in Node: the picture it writes, and how it fails. */
async function commandChecks(program, flags, options) {
  const command = (...args) => [COMMAND, ...args, '--weights', 'files', '--model', 'taesd3'];
  const roundtrip = (output) => command('roundtrip', 'files/picture.png', '-o', output);
  const wrong = command('decode', 'files/absent.png', '-o', 'out.png');
  const wantedPicture = await bytesWritten(process.execPath, [], 'node.png');
  const picture = await bytesWritten(program, flags, 'other.png');
  const wanted = await run(process.execPath, wrong, { ...options, anyCode: true });
  const got = await run(program, [...flags, ...wrong], { ...options, anyCode: true });
  return [
    {
      name: 'command: roundtrip of a PNG, bytes equal to those of Node',
      pass: picture.length > 0 && picture.equals(wantedPicture),
      value: `${picture.length} bytes`,
      bound: `${wantedPicture.length} bytes`,
    },
    same('command: a file that is not there, code', got.code, wanted.code),
    same('command: a file that is not there, message', got.stderr, wanted.stderr),
  ];

  async function bytesWritten(where, itsFlags, name) {
    await run(where, [...itsFlags, ...roundtrip(name)], options);
    return readFileSync(join(options.cwd, name));
  }
}

const same = (name, value, bound) => ({ name, pass: value === bound, value, bound });
