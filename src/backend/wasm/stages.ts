import type { PixelShuffle, PixelUnshuffle } from '../../model/layers.ts';
import type { Span } from '../backend.ts';
import type { ConvStage, Stage } from '../plan.ts';
import type { Kernels } from './kernels.ts';
import type { Memory } from './memory.ts';
import type { PackedConv } from './pack.ts';
import type { Ring } from './ring.ts';
import { prepareWinograd } from './winograd.ts';
import type { Workspace } from './workspace.ts';

/*
 * What each kind of stage does to a span of rows: which kernel it calls on which addresses.
 */

/** All that a stage needs to run. */
export interface StageContext {
  readonly memory: Memory;
  readonly kernels: Kernels;
  readonly workspace: Workspace;
  readonly input: Ring;
  readonly output: Ring;
  /** The map that is added, where the stage adds one. */
  readonly add: Ring | undefined;
  readonly packed: PackedConv | undefined;
  /** Channels of the input and the output without those that fill up their rows. */
  readonly cin: number;
  readonly cout: number;
}

/** Makes rows `span` of a stage's output. */
export type StageRunner = (span: Span) => void;

/** Ties a stage to its rings and buffers; done once a run, after the last of them is allocated. */
export function prepareStage(stage: Stage, context: StageContext): StageRunner {
  const { kernels, input, output } = context;
  if (stage.kind === 'conv') {
    if (stage.winograd) return prepareWinograd(stage, context);
    return eachRow((y) => directRow(stage, y, context));
  }
  if (stage.kind === 'upsample2x') {
    return eachRow((y) =>
      kernels.upsample2x(output.row(y), input.row(y >> 1), input.width, input.channels),
    );
  }
  if (stage.kind === 'relu' || stage.kind === 'clamp') {
    return eachRow((y) => {
      const target = output.row(y);
      kernels.copy(target, input.row(y), output.count);
      if (stage.kind === 'relu') kernels.relu(target, output.count);
      else kernels.clamp(target, output.count, stage.magnitude);
    });
  }
  return prepareShuffle(stage, context);
}

function prepareShuffle(
  { kind, factor }: PixelShuffle | PixelUnshuffle,
  context: StageContext,
): StageRunner {
  const { kernels, input, output, cin, cout } = context;
  const { channels } = input;
  if (kind === 'pixelShuffle') {
    const { width } = input;
    return eachRow((y) => {
      const row = input.row(Math.floor(y / factor));
      kernels.pixelShuffle(
        output.row(y),
        row,
        width,
        channels,
        output.channels,
        cout,
        factor,
        y % factor,
      );
    });
  }
  const { width } = output;
  return eachRow((y) => {
    for (let subrow = 0; subrow < factor; subrow++) {
      const row = input.row(y * factor + subrow);
      kernels.pixelUnshuffle(
        output.row(y),
        row,
        width,
        channels,
        output.channels,
        cin,
        factor,
        subrow,
      );
    }
  });
}

function eachRow(run: (y: number) => void): StageRunner {
  return (span) => {
    for (let y = span.first; y < span.end; y++) run(y);
  };
}

/** One row of a direct convolution; skip connection and ReLU follow while it is in the cache. */
function directRow({ conv, relu }: ConvStage, y: number, context: StageContext): void {
  const { kernels, input, output, add, packed } = context;
  const { weightsPtr, biasPtr, cin, cout } = packed as PackedConv;
  const target = output.row(y);
  const center = y * conv.stride;
  if (conv.kernel === 1) {
    kernels.conv1x1(
      target,
      input.row(center),
      weightsPtr,
      biasPtr,
      output.width,
      cin,
      cout,
      conv.stride,
    );
  } else {
    const conv3x3 = conv.stride === 1 ? kernels.conv3x3 : kernels.conv3x3Stride2;
    const above = input.row(center - 1);
    const below = input.row(center + 1);
    conv3x3(target, above, input.row(center), below, weightsPtr, biasPtr, output.width, cin, cout);
  }
  if (add !== undefined) kernels.add(target, add.row(y), output.count);
  if (relu) kernels.relu(target, output.count);
}
