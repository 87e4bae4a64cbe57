import type { EngineEvent, Request } from './protocol.ts';

/*
 * The worker's side of the protocol: calls methods by name, and says what went wrong.
 */

/** The few things of a worker's global scope that are used; its types and a page's exclude each other. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Request>) => void) | null;
  postMessage(message: unknown, transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;

/** Answers what the page asks for. Big arrays in an answer are handed over, not copied. */
export function answer(methods: object): void {
  scope.onmessage = async ({ data: { id, method, args } }) => {
    try {
      const run = (methods as Record<string, (...args: readonly unknown[]) => unknown>)[method];
      const result = await run(...args);
      scope.postMessage({ id, result }, []);
    } catch (reason) {
      const { message, code } = reason as { message?: string; code?: string };
      scope.postMessage({ id, error: { message: message ?? `${reason}`, code } }, []);
    }
  };
}

/** Tells the page of something it has not asked for. */
export function tell(event: EngineEvent, transfer: Transferable[] = []): void {
  scope.postMessage({ id: undefined, event }, transfer);
}
