import type { TaesdError } from 'taesd-wasm';
import type { EngineEvent, Request } from './protocol.ts';

/*
 * The worker's side of the protocol: calls methods by name, and says what went wrong.
 */

/**
 * The few things of a worker's global scope that are used; its types and a page's exclude each
 * other.
 */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: unknown, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;

/** Results with big arrays that are the page's from now on. */
const handedOver = new WeakMap<object, Transferable[]>();

/**
 * Marks arrays of a result that are handed over instead of copied. The worker must not use them
 * again.
 */
export function handOver<R extends object>(result: R, ...arrays: readonly ArrayBufferView[]): R {
  handedOver.set(
    result,
    arrays.map(({ buffer }) => buffer as ArrayBuffer),
  );
  return result;
}

/** Answers what the page asks for. */
export function answer(methods: object): void {
  scope.onmessage = async ({ data: { id, method, args } }) => {
    try {
      const run = (methods as Record<string, (...args: readonly unknown[]) => unknown>)[method];
      const result = await run(...args);
      scope.postMessage({ id, result }, handedOver.get(result as object) ?? []);
    } catch (reason) {
      const { sentence, message, code } = reason as Partial<TaesdError>;
      // The sentence leaves out the name of the call: the page made it, not its reader.
      scope.postMessage({ id, error: { message: sentence ?? message ?? `${reason}`, code } }, []);
    }
  };
}

/** Tells the page of something it has not asked for. */
export function tell(event: EngineEvent, transfer: Transferable[] = []): void {
  scope.postMessage({ id: undefined, event }, transfer);
}
