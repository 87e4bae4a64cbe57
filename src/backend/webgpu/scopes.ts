/**
 * The result of work that was submitted to a device, and the faults that the device finds with it.
 */
export interface Watched<Result> {
  readonly result: Result;
  /**
   * The fault of each kind, or null, once the device has looked. A lost device finds no faults; its
   * loss is noticed elsewhere.
   */
  readonly faults: Promise<readonly (GPUError | null)[]>;
}

/**
 * Does work and collects its faults. The work must be synchronous: otherwise another call's work
 * would fall under these scopes.
 */
export function watched<Result>(
  device: GPUDevice,
  kinds: readonly GPUErrorFilter[],
  work: () => Result,
): Watched<Result> {
  for (const kind of kinds) device.pushErrorScope(kind);
  let popped: Promise<GPUError | null>[] = [];
  let result: Result;
  try {
    result = work();
  } finally {
    popped = kinds.map(() => device.popErrorScope().catch(() => null)).reverse();
  }
  return { result, faults: Promise.all(popped) };
}
