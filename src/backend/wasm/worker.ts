import { TaesdError } from '../../errors.ts';
import { parentThread } from '../../platform.ts';
import type { RowSource } from '../../rows.ts';
import { localRunner, type Runner } from '../batches.ts';
import { Pacer } from '../pacer.ts';
import { createWasmBackend, KEPT_BYTES, type WasmBackend } from './index.ts';
import type { FromWorker, LoadMessage, RunMessage, ToWorker } from './messages.ts';

/*
 * A worker: it has the kernels, their memory and the networks' weights for itself, gets rows of the input and sends
 * rows of the output. No memory is shared, so pages need no cross-origin isolation.
 */

const thread = await parentThread<ToWorker, FromWorker>((message) => {
  if (message.kind === 'load') void load(message);
  else if (message.kind === 'run') void run(message);
  else running.get(message.id)?.abort();
});

let backend: WasmBackend;
let runners: Runner[] = [];
/** What a run may leave behind in the memory for the next. */
let keptBytes = 0;
const running = new Map<number, AbortController>();

async function load(message: LoadMessage): Promise<void> {
  try {
    const { kernels, networks, precision, maxMemory } = message;
    backend = await createWasmBackend({ kernels, precision, maxMemory });
    runners = networks.map((network) => localRunner(backend.compile(network)));
    keptBytes = backend.memoryBytes() + KEPT_BYTES;
    thread.post({ kind: 'ready' });
  } catch (error) {
    fail(undefined, error);
  }
}

async function run(message: RunMessage): Promise<void> {
  const { id, network, span } = message;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const pacer = new Pacer('worker', controller.signal);
    for await (const batch of runners[network].batches(rowsOf(message), span, pacer)) {
      thread.post({ kind: 'rows', id, batch }, [batch.data.buffer]);
    }
    if (backend.memoryBytes() > keptBytes) await backend.compact();
    thread.post({ kind: 'done', id, memoryBytes: backend.memoryBytes() });
  } catch (error) {
    if (controller.signal.aborted) {
      thread.post({ kind: 'done', id, memoryBytes: backend.memoryBytes() });
    } else {
      fail(id, error);
    }
  } finally {
    running.delete(id);
  }
}

/** The rows that came along, at their places in the whole input. */
function rowsOf({ channels, height, width, input, data }: RunMessage): RowSource {
  return {
    channels,
    height,
    width,
    read(y, row, stride) {
      let source = (y - input.first) * width * channels;
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++) row[x * stride + c] = data[source++];
      }
    },
  };
}

function fail(id: number | undefined, error: unknown): void {
  const code = error instanceof TaesdError ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  thread.post({ kind: 'failed', id, code, message });
}
