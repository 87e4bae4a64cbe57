// Programs in process groups of their own, so that helpers and workers end with them, whatever
// happens to this one.
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
 * @returns { child, ended, words, kill }: `ended` gives { code, stdout, stderr }, `words()` what it
 *   has said
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
  // Whoever does not wait for the end must not be told of a failure to start in another way than by
  // `ended`.
  ended.catch(() => undefined);
  // What a program leaves behind in its group is not waited for.
  child.on('exit', () => killGroup(pid));
  return {
    child,
    ended,
    words: () => excerpt(said.stderr.trim() || said.stdout),
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
export async function run(command, args, { seconds = 180, anyCode = false, ...options } = {}) {
  const program = start(command, args, options);
  try {
    const { code, stdout, stderr } = await withinSeconds(seconds, program.ended, program.words);
    if (code !== 0 && !anyCode)
      throw new Error(`${command} ${args[0]} ended with ${code}: ${program.words()}`);
    return { code, stdout, stderr };
  } finally {
    await program.kill();
  }
}

/** What a promise gives, unless it takes too long. `words` tells what was said. */
export async function withinSeconds(seconds, promise, words = () => '') {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no end after ${seconds} s${words() ? `, said: ${words()}` : ''}`));
    }, 1000 * seconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The first lines and the last: some programs begin with what went wrong, some end with it. */
function excerpt(text) {
  const lines = text.trim().split('\n');
  const some = lines.length > 6 ? [...lines.slice(0, 3), '…', ...lines.slice(-3)] : lines;
  return some.join(' | ').slice(0, 800);
}
