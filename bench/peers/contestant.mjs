// Starts child.mjs and sends its requests.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CONTESTANTS } from './contestants.mjs';
import { residentBytes } from './process-memory.mjs';
import { goldenTrip } from './shared.mjs';

/** A process that takes more bytes is ended: half of the machine that the figures are made on. */
export const MEMORY_LIMIT_BYTES = 12e9;
const WATCH_MS = 50;

/**
 * Starts a process for a contestant and loads one half of the model in it.
 *
 * @param options  in place of the contestant's own
 * @param model    the model that it runs
 * @returns { run({ size, rows, wantsOutput }) → { ms, output },
 *   memory() → { aboveStartBytes, wasmBytes }, close() }
 */
export async function startContestant(name, part, options, model = 'taesd') {
  const { adapter, options: own = {} } = CONTESTANTS[name];
  const program = fileURLToPath(new URL('child.mjs', import.meta.url));
  const child = fork(program, [adapter, JSON.stringify({ ...own, ...options })], {
    execArgv: ['--expose-gc'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  let overLimit = false;
  child.stderr.on('data', (text) => {
    complaint = `${complaint}${text}`.slice(-2000);
  });
  const watch = setInterval(() => {
    if ((residentBytes('VmRSS', child.pid) ?? 0) <= MEMORY_LIMIT_BYTES) return;
    overLimit = true;
    child.kill('SIGKILL');
  }, WATCH_MS);
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearInterval(watch);
      resolve(
        overLimit
          ? `needs more than ${MEMORY_LIMIT_BYTES / 1e9} GB`
          : `its process ended (${signal ?? `status ${code}`}) ${lastLine(complaint)}`.trim(),
      );
    });
  });
  const ask = async (question) => {
    const answer = new Promise((resolve) => child.once('message', resolve));
    child.send(question, () => {});
    const { value, error } = await Promise.race([answer, ended.then((error) => ({ error }))]);
    if (error !== undefined) throw new Error(error);
    return value;
  };
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await ask({ ask: 'load', part, model, base: goldenTrip(model)[part].input });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    run: (details) => ask({ ask: 'run', ...details }),
    memory: () => ask({ ask: 'memory' }),
    close,
  };
}

/** Finds the line that says why a process ended, in what it wrote before. */
function lastLine(text) {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.findLast((line) => /error|abort|memory/i.test(line)) ?? '';
}
