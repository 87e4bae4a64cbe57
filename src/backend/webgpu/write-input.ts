import type { RowSource } from '../../rows.ts';
import type { Span } from '../backend.ts';
import type { Pacer } from '../pacer.ts';
import { bindGroup, remapGroups } from './bind-groups.ts';
import type { CompiledNetwork } from './compile.ts';
import { planePortions } from './planes.ts';
import { OPERATIONS } from './remap.ts';
import { watched } from './scopes.ts';
import type { SourceOnDevice } from './source.ts';

/*
 * Writes the rows of the input that a band needs to the buffer that its first stage reads.
 */

/** Writes rows from memory, and gives the event loop its turns. @throws TaesdError ABORTED */
export async function writeRows(
  { gpu: { device } }: CompiledNetwork,
  source: RowSource,
  rows: Span,
  input: GPUBuffer,
  pacer: Pacer,
): Promise<void> {
  for (const { offset, data } of planePortions(source, rows)) {
    device.queue.writeBuffer(input, offset, data);
    if (pacer.due) await pacer.turn();
  }
}

/**
 * Adds a dispatch that reads latents on the device. Submitting it reports what is wrong with it.
 */
export function importRows(
  { gpu: { device }, importPipeline, importParameters }: CompiledNetwork,
  { buffer, channels, height, width }: SourceOnDevice,
  { first, end }: Span,
  input: GPUBuffer,
  commands: GPUCommandEncoder,
): void {
  const rows = end - first;
  const operation = OPERATIONS.indexOf('import');
  const length = height * width;
  const values = [operation, 1, height, width, 0, length, channels];
  const numbers = Int32Array.from([...values, first, rows, width, channels, 0, 0, rows]);
  device.queue.writeBuffer(importParameters, 0, numbers);
  const { result: bindings } = watched(device, ['validation'], () =>
    bindGroup(device, importPipeline, { buffer: importParameters }, [buffer, input]),
  );
  const pass = commands.beginComputePass();
  pass.setPipeline(importPipeline);
  pass.setBindGroup(0, bindings);
  pass.dispatchWorkgroups(...remapGroups(channels, rows, width));
  pass.end();
}
