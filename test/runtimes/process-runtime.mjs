// Node, Deno and Bun: a process each, and the command in it.
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './spawn.mjs';

/** The command's entry, as the link in node_modules/.bin has it. */
const COMMAND = 'node_modules/.bin/taesd';

/**
 * @param flags         what goes before the module's name
 * @param commandFlags  what goes before the command's
 * @param exampleFlags  what README says goes before its example's
 */
export async function runProcess({
  program,
  place,
  flags = [],
  commandFlags,
  exampleFlags = [],
  env,
}) {
  const options = { cwd: place, env: { ...process.env, NO_COLOR: '1', ...env } };
  const version = await run(program, ['--version'], options);
  const { stdout } = await run(program, [...flags, 'process-host.mjs'], options);
  const result = JSON.parse(stdout);
  result.digests['example of README'] = await examplePicture(program, exampleFlags, options);
  result.digests.dream = await dreamPicture(program, exampleFlags, options);
  if (commandFlags !== undefined) {
    result.checks.push(...(await commandChecks(program, commandFlags, options)));
  }
  return { ...result, version: /\d+\.\d+\.\d+/.exec(version.stdout)[0] };
}

/**
 * Node alone, on hosts that refuse: its permission model, and 8 GB of address space.
 *
 * @param permission  the flag that switches the model on
 */
export async function hostChecks(program, permission, place) {
  const env = { ...process.env, NO_COLOR: '1', HOME: place, XDG_CACHE_HOME: join(place, 'none') };
  const host = async (flags, options, limit = 'true') => {
    const args = [program, ...flags, 'limits-host.mjs', JSON.stringify(options)];
    const { stdout } = await run('sh', ['-c', `${limit} && exec "$@"`, 'sh', ...args], {
      cwd: place,
      env,
    });
    return JSON.parse(stdout);
  };
  const reads = [permission, `--allow-fs-read=${join(place, '*')}`];
  const two = { model: 'nano', workers: 2 };
  const alone = await host(reads, two);
  const both = await host([...reads, '--allow-worker'], two);
  const limited = await host(
    ['--disable-wasm-trap-handler'],
    { model: 'nano' },
    'ulimit -v 8000000',
  );
  return [
    ...(await proxyChecks(program, { cwd: place, env })),
    same('permission model: nano decodes', alone.width, 64),
    same('permission model: why there are no workers', alone.workersReason, NO_WORKERS),
    same('permission model: workers with --allow-worker', both.workers, 2),
    same('8 GB of address space, the flag: nano decodes', limited.width, 64),
  ];
}

/**
 * Node's own use of the environment's proxies, from Node 24 on. Nothing listens at that port,
 * so nothing is downloaded.
 */
async function proxyChecks(program, { cwd, env }) {
  const { stdout: version } = await run(program, ['--version'], { cwd });
  if (Number(version.slice(1).split('.')[0]) < 24) return [];
  const proxy = { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: 'http://me:secret@127.0.0.1:1' };
  const script = `import { Taesd } from 'taesd-wasm';
    await Taesd.load({ model: 'taesd', download: true }).catch(({ message }) => console.log(message));`;
  const { stdout } = await run(program, ['--input-type=module', '-e', script], {
    cwd,
    env: { ...env, ...proxy },
  });
  return [
    same(
      'NODE_USE_ENV_PROXY: load asks the proxy',
      stdout.includes('ECONNREFUSED 127.0.0.1:1'),
      true,
    ),
    same('NODE_USE_ENV_PROXY: no password in the error', stdout.includes('secret'), false),
  ];
}

/** Deno with little permission: a download that it may not keep is used. */
export async function permissionChecks(program, flags, place, env) {
  const options = JSON.stringify({ model: 'taesd3', download: true });
  const args = [...flags, '--allow-sys=homedir', 'limits-host.mjs', options];
  const { stdout } = await run(program, args, { cwd: place, env: { ...process.env, ...env } });
  const { width, weightsNote } = JSON.parse(stdout);
  return [
    same('no --allow-write: a download decodes', width, 64),
    {
      name: 'no --allow-write: why the download is not kept',
      pass: /^the download is not kept: cache .+ cannot be written: /.test(weightsNote),
      value: weightsNote,
      bound: 'a reason',
    },
  ];
}

const NO_WORKERS = 'no permission from Node: --allow-worker';

/** The picture that README's example writes with the real weights. */
async function examplePicture(program, flags, { cwd, env }) {
  const folder = { cwd: join(cwd, 'readme'), env: { ...env, TAESD_WEIGHTS: join(cwd, 'files') } };
  const output = join(folder.cwd, 'out.png');
  rmSync(output, { force: true });
  await run(program, [...flags, 'example.mjs'], folder);
  return createHash('sha256').update(readFileSync(output)).digest('hex');
}

/** The picture of a seed and labels. */
async function dreamPicture(program, flags, options) {
  const labels = ['--time', 'dusk', '--place', 'lake', '--seed', '7'];
  await run(
    program,
    [...flags, 'examples/dream/generate.mjs', ...labels, '-o', 'dream.png'],
    options,
  );
  return createHash('sha256')
    .update(readFileSync(join(options.cwd, 'dream.png')))
    .digest('hex');
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
