import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { afterAll, expect } from 'vitest';
import { isFullLength } from '../full-length.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** What a run of the command leaves. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /**
   * Added to the environment, which has an empty cache folder, and from which TAESD_… are taken
   * away.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** A file to write stdout to, in place of the pipe; its text is then null. */
  readonly stdout?: number;
  /** The bytes of stdin. Nothing if they are not given. */
  readonly input?: Uint8Array;
}

/** Where nothing was ever pulled: the user's own cache must not decide about tests. */
export const NO_CACHE_HOME = join(tmpdir(), 'taesd-no-cache');
const NO_CACHE = {
  XDG_CACHE_HOME: NO_CACHE_HOME,
  LOCALAPPDATA: NO_CACHE_HOME,
  HOME: NO_CACHE_HOME,
};

/** The user's own weights and proxies must not decide about tests either. */
const NOT_INHERITED = /^TAESD_(?:WEIGHTS|DEBUG)$|^(?:https?|all|no)_proxy$/i;

const environment = (added: Readonly<Record<string, string>> = {}) => {
  const rest = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  return { ...Object.fromEntries(rest), ...NO_CACHE, ...added };
};

/**
 * Runs the built command, `taesd …args`. It runs in a thread that all command lines of a file
 * share, since a process takes 0.1 s to start. A run that needs a process gets one: with options
 * for Node, or a file for stdout.
 */
export function taesd(args: readonly string[], options: RunOptions = {}): Outcome {
  const { cwd = process.cwd(), env, stdout: file, input } = options;
  const needsProcess = env?.NODE_OPTIONS !== undefined || file !== undefined;
  if (needsProcess || isFullLength) return taesdAsProcess(args, options);
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const { code, stdout, stderr } = taesdInThread(args, environment(env), input);
    return checked({ code, stdout: `${Buffer.from(stdout)}`, stderr }, env);
  } finally {
    process.chdir(before);
  }
}

/** The API's names of calls and options, which mean nothing to users of the command. */
const API_NAMES =
  /\b(?:Taesd\.load|(?:de|en)code(?:[A-Z]\w*)?|read[A-Z]\w+|pullModel|steps): |\boption [a-z]+[A-Z]?\w*\b|\w: true\b/;

/** Returns the outcome of a run whose lines on stderr are in the words of the command. */
function checked(outcome: Outcome, env: RunOptions['env']): Outcome {
  if (env?.TAESD_DEBUG === undefined) expect(outcome.stderr).not.toMatch(API_NAMES);
  return outcome;
}

interface BytesOptions extends Pick<RunOptions, 'env' | 'input'> {
  /** Whether it needs real pipes. */
  readonly asProcess?: boolean;
}

/** Runs it as `taesd` does, and returns the bytes of stdout. */
export function taesdBytes(
  args: readonly string[],
  { env, input, asProcess = isFullLength }: BytesOptions = {},
): BytesOutcome {
  if (!asProcess) return taesdInThread(args, environment(env), input);
  const options = { env: environment(env), input: input ?? new Uint8Array(0) };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], options);
  return { code: status, stdout: new Uint8Array(stdout), stderr: `${stderr}` };
}

/** Runs it as a process of its own, on pipes. */
export function taesdAsProcess(
  args: readonly string[],
  { cwd, env, stdout: file, input }: RunOptions = {},
): Outcome {
  const stdin = input === undefined ? 'ignore' : 'pipe';
  const stdio: StdioOptions = [stdin, file ?? 'pipe', 'pipe'];
  const options = { cwd, env: environment(env), encoding: 'utf8', stdio, input } as const;
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [MAIN, ...args], options);
  if (error) throw error;
  return checked({ code: status, stdout, stderr }, env);
}

/** The thread, once a command line was run in it. */
let thread: ReturnType<typeof startThread> | undefined;

function startThread() {
  const { port1: port, port2 } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('command-thread.mjs', import.meta.url), {
    workerData: { port: port2, done },
    transferList: [port2],
  });
  port.unref();
  worker.unref();
  return { port, done };
}

interface BytesOutcome extends Omit<Outcome, 'stdout'> {
  readonly stdout: Uint8Array;
}

/** Runs it in the thread and waits, as `spawnSync` does for a process. */
function taesdInThread(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input: Uint8Array | undefined,
): BytesOutcome {
  thread ??= startThread();
  const { port, done } = thread;
  port.postMessage({ args, env, input });
  Atomics.wait(done, 0, 0);
  Atomics.store(done, 0, 0);
  return receiveMessageOnPort(port)?.message as BytesOutcome;
}

/** What Deno takes that a command in Node does not. */
export interface DenoOptions {
  /** Deno's program. */
  readonly program: string;
  /**
   * For Deno's own cache, and for what a graphics driver keeps for a session, which complains where
   * it has no place.
   */
  readonly folder: string;
  /** A module that runs before the command. */
  readonly preload?: string | undefined;
}

/** Longer than any of these takes: one that does not end at all would stop the tests. */
const DENO_ENDS_MS = 300_000;

/** Runs it in Deno, which has WebGPU. */
export function taesdInDeno(
  args: readonly string[],
  { program, folder, preload }: DenoOptions,
): Outcome {
  const env = environment({
    DENO_DIR: folder,
    XDG_RUNTIME_DIR: folder,
    DENO_NO_UPDATE_CHECK: '1',
    NO_COLOR: '1',
  });
  const flags = [
    'run',
    '-A',
    '--no-lock',
    ...(preload === undefined ? [] : ['--preload', preload]),
  ];
  const { status, stdout, stderr, error } = spawnSync(program, [...flags, MAIN, ...args], {
    env,
    encoding: 'utf8',
    timeout: DENO_ENDS_MS,
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
}

/** Runs it with nobody at the other end of the pipe that is its stdout. */
export function taesdWithClosedStdout(args: readonly string[]): Promise<Omit<Outcome, 'stdout'>> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: environment() });
    let stderr = '';
    child.stdout.destroy();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stderr }));
  });
}

/** Starts it and does not wait; `ended` tells what it left, or what signal ended it. */
export function startTaesd(args: readonly string[], env: Readonly<Record<string, string>>) {
  const stdio: StdioOptions = ['ignore', 'ignore', 'pipe'];
  const child = spawn(process.execPath, [MAIN, ...args], { env: environment(env), stdio });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Omit<Outcome, 'stdout'> & { signal: NodeJS.Signals | null }>(
    (resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, stderr }));
    },
  );
  return { child, ended };
}

/** A server that runs until a test or the end of the tests stops it. */
export interface Serving {
  readonly child: ChildProcess;
  /** `http://127.0.0.1:41234` */
  readonly url: string;
  /** Its stderr so far. */
  said(): string;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

/**
 * Starts `taesd serve` on a free port.
 *
 * @param main  the program. Defaults to the built one
 */
export async function serveTaesd(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  main = MAIN,
): Promise<Serving> {
  const words = [main, 'serve', '--port', '0', ...args];
  const child = spawn(process.execPath, words, { env: environment(env) });
  let [stdout, stderr] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stderr }));
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      stdout += piece;
      const found = /^listening on (http:\S+)\n$/.exec(stdout);
      if (found !== null) resolve(found[1]);
    });
    ended.then(({ code }) => reject(new Error(`exit ${code}: ${stdout}${stderr}`)));
  });
  return { child, url, said: () => stderr, ended };
}

/** A folder of its own for a file of tests, removed after them. */
export function temporaryFolder(): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'taesd-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name) => join(folder, name);
}
