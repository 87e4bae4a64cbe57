import { TaesdError } from '../../errors.ts';
import { Doorbell } from '../../platform/doorbell.ts';
import { parentThread } from '../../platform/threads.ts';
import { channelsLastRows, type RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import { localRunner, type Runner } from '../batches.ts';
import { Pacer } from '../pacer.ts';
import {
  type FromWorker,
  type LoadMessage,
  type RunMessage,
  type ToWorker,
  textOf,
} from './messages.ts';
import { OUTPUT_ROWS } from './spans.ts';
import { createWasmBackend, KEPT_BYTES, type WasmBackend } from './wasm-backend.ts';

/*
 * A worker. It has the kernels, their memory and the networks' weights for itself, gets rows of the
 * input and sends rows of the output. No memory is shared, so pages need no cross-origin isolation.
 */

/** Posts to the thread that started this one. */
let thread: ReturnType<typeof parentThread<ToWorker, FromWorker>>;

/** Makes this thread a worker of a pool: from now on it obeys the messages of its parent. */
export function serve(): void {
  thread = parentThread<ToWorker, FromWorker>((message) => {
    if (message.kind === 'load') void load(message);
    else if (message.kind === 'run') void run(message);
    else if (message.kind === 'taken') running.get(message.id)?.taken(message.rows);
    else running.get(message.id)?.cancel();
  });
}

let backend: WasmBackend;
let runners: Runner[] = [];
/** Bytes that a run may leave behind in the memory for the next run. */
let keptBytes = 0;
const running = new Map<number, Run>();

/**
 * A run that may be cancelled. It pauses while more than `OUTPUT_ROWS` finished rows wait to be
 * passed on. If its span is longer than that, half as many may wait.
 */
class Run {
  readonly #controller = new AbortController();
  readonly #maxAhead: number;
  #ahead = 0;
  /** Rings if rows were passed on, or the run is cancelled. */
  readonly #news = new Doorbell();

  constructor({ first, end }: Span) {
    this.#maxAhead = end - first > OUTPUT_ROWS ? OUTPUT_ROWS / 2 : OUTPUT_ROWS;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  cancel(): void {
    this.#controller.abort();
    this.#news.ring();
  }

  taken(rows: number): void {
    this.#ahead -= rows;
    this.#news.ring();
  }

  /** Resolves when more rows may be sent, or the run is cancelled. */
  async sent(rows: number): Promise<void> {
    this.#ahead += rows;
    while (this.#ahead > this.#maxAhead && !this.signal.aborted) await this.#news.wait();
  }
}

async function load(message: LoadMessage): Promise<void> {
  try {
    const { kernels, networks, maxMemory } = message;
    backend = await createWasmBackend({ kernels, maxMemory });
    runners = networks.map(({ network, precision, tallest }) =>
      localRunner(backend.compile(network, precision, tallest)),
    );
    keptBytes = backend.memoryBytes() + KEPT_BYTES;
    thread.post({ kind: 'ready' });
  } catch (error) {
    fail(undefined, error);
  }
}

async function run(message: RunMessage): Promise<void> {
  const { id, network, span, folded } = message;
  const current = new Run(span);
  running.set(id, current);
  let failure: { readonly error: unknown } | undefined;
  try {
    const pacer = new Pacer(current.signal);
    for await (const batch of runners[network].batches(rowsOf(message), span, pacer, folded)) {
      const { count } = batch;
      const data = batch.data.slice();
      thread.post({ kind: 'rows', id, batch: { ...batch, data } }, [data.buffer]);
      await current.sent(count);
    }
  } catch (error) {
    if (!current.signal.aborted) failure = { error };
  }
  running.delete(id);
  try {
    // The run may have grown the memory, also if it failed.
    if (backend.memoryBytes() > keptBytes) await backend.compact();
  } catch (error) {
    failure ??= { error };
  }
  if (failure === undefined) thread.post({ kind: 'done', id, memoryBytes: backend.memoryBytes() });
  else fail(id, failure.error);
}

/** The rows that came with the message, numbered as in the whole input. */
const rowsOf = ({ channels, height, width, input, data }: RunMessage): RowSource =>
  channelsLastRows(data, [channels, height, width], input.first);

function fail(id: number | undefined, error: unknown): void {
  const isOurs = error instanceof TaesdError;
  const [code, message] = isOurs ? [error.code, error.message] : [undefined, textOf(error)];
  thread.post({ kind: 'failed', id, code, message });
}
