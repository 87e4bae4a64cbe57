/** Work that was handed to a device, and what the device finds wrong with it. */
export interface Watched<Result> {
  readonly result: Result;
  /**
   * For each kind of fault what was found, null for nothing, once the device has looked. A lost device finds nothing: that it
   * is lost is noticed elsewhere.
   */
  readonly faults: Promise<readonly (GPUError | null)[]>;
}

/** Does work, none of which may wait, so that nobody else's falls under the same scopes. */
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
