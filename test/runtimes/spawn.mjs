// Programs in process groups of their own, so that helpers and workers end with them, whatever happens to this one.
import { spawn } from 'node:child_process';

const groups = new Set();

function killGroup(pid) {
  groups.delete(pid);
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

process.on('exit', () => {
  for (const pid of groups) killGroup(pid);
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => process.exit(code));
}

/**
 * Starts a program.
 *
 * @param options  as of `spawn`
 * @returns { child, ended, tail, kill }: `ended` gives { code, stdout, stderr }, `tail()` what it has said last
 */
export function start(command, args, options = {}) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
    detached: true,
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream]?.setEncoding('utf8').on('data', (text) => {
      said[stream] += text;
    });
  }
  const { pid } = child;
  if (pid !== undefined) groups.add(pid);
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, ...said }));
  });
  // Whoever does not wait for the end must not be told of a failure to start in another way than by `ended`.
  ended.catch(() => undefined);
  // What a program leaves behind in its group is not waited for.
  child.on('exit', () => killGroup(pid));
  return {
    child,
    ended,
    tail: () => lastLines(said.stderr || said.stdout),
    async kill() {
      if (pid !== undefined) killGroup(pid);
      await ended.catch(() => undefined);
    },
  };
}

/**
 * Runs a program to its end.
 *
 * @returns { code, stdout, stderr }
 * @throws where it does not end in time, or, unless `anyCode`, with another code than 0
 */
export async function run(command, args, { seconds = 120, anyCode = false, ...options } = {}) {
  const program = start(command, args, options);
  try {
    const { code, stdout, stderr } = await withinSeconds(seconds, program.ended, program.tail);
    if (code !== 0 && !anyCode) throw new Error(`ended with ${code}: ${program.tail()}`);
    return { code, stdout, stderr };
  } finally {
    await program.kill();
  }
}

/** What a promise gives, unless it takes too long. `tail` tells what was said last. */
export async function withinSeconds(seconds, promise, tail = () => '') {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no end after ${seconds} s${tail() ? `, last words: ${tail()}` : ''}`));
    }, 1000 * seconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const lastLines = (text) => text.trim().split('\n').slice(-4).join(' | ').slice(-600);
