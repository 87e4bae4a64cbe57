// Runs a worker in workerd, and measures the process from outside.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { workerdPath } from './install.mjs';

const EXAMPLE = new URL('../', import.meta.url);
const START_MS = 20_000;

/** Finds a free port. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts workerd with config.capnp on a port of its own.
 *
 * @param {(config: string) => string} [change]  edits the config's text
 */
export async function startWorkerd(change = (config) => config) {
  const port = await freePort();
  const text = readFileSync(new URL('config.capnp', EXAMPLE), 'utf8');
  // workerd looks for embedded files beside the config: it goes into the example's folder.
  const config = new URL(`.config-${process.pid}-${port}.capnp`, EXAMPLE);
  writeFileSync(config, change(text).replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`));
  const program = workerdPath();
  const started = performance.now();
  const child = spawn(program, ['serve', fileURLToPath(config)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece) => {
      said += piece;
    });
  }
  const exited = new Promise((resolve) => child.on('exit', resolve));
  const url = `http://127.0.0.1:${port}`;
  try {
    for (;;) {
      if (child.exitCode !== null) throw new Error(`workerd: exit ${child.exitCode}\n${said}`);
      if (performance.now() - started > START_MS) throw new Error(`workerd: no answer\n${said}`);
      if (await answers(port)) break;
    }
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    rmSync(config);
  }
  return {
    url,
    /** Milliseconds from the start of the process to the end of its first answer. */
    startMs: performance.now() - started,
    /**
     * Bytes of memory: the process's peak, and its present size without its program file's pages.
     */
    memory: () => ({
      peak: statusBytes(child.pid, 'VmHWM'),
      own: statusBytes(child.pid, 'RssAnon'),
    }),
    /** Milliseconds of processor time so far, all threads together. */
    cpuMs: () => cpuMs(child.pid),
    said: () => said,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Tries once whether the server answers. In the first milliseconds it does not listen yet. */
const answers = (port) =>
  new Promise((resolve) => {
    const call = request({ port, host: '127.0.0.1', path: '/', agent: false }, (response) => {
      response.resume().on('end', () => resolve(true));
    });
    call.on('error', () => setTimeout(resolve, 1, false));
    call.end();
  });

/** @returns {number | undefined} undefined on systems without /proc */
function statusBytes(pid, field) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = new RegExp(`^${field}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  } catch {
    return undefined;
  }
}

/** Converts Linux's hundredths of a second. */
function cpuMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // utime and stime, the 14th and 15th of proc(5); two were cut.
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return undefined;
  }
}
