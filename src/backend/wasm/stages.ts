import type { Clamp, PixelShuffle, PixelUnshuffle, Relu } from '../../model/layers.ts';
import type { ConvStage, Stage } from '../plan.ts';
import { writeJob } from './job.ts';
import {
  JOB_BIAS,
  JOB_CHANNELS,
  JOB_CIN,
  JOB_COUT,
  JOB_FACTOR,
  JOB_OUT_CHANNELS,
  JOB_STRIDE,
  JOB_WEIGHTS,
  JOB_WIDTH,
} from './job-layout.ts';
import type { PackedConv } from './pack.ts';
import type { StageContext, StageRunner } from './stage-context.ts';
import { prepareWinograd } from './winograd.ts';

/*
 * How each kind of stage makes a span of rows: its job, and which kernel it calls on which
 * addresses.
 */

/**
 * Ties a stage to its rings and buffers, and writes its job. It is called once a run, after all
 * memory of the run is allocated, and allocates none.
 */
export function prepareStage(stage: Stage, context: StageContext): StageRunner {
  switch (stage.kind) {
    case 'conv':
      return stage.winograd ? prepareWinograd(stage, context) : prepareDirect(stage, context);
    case 'upsample2x':
      return prepareUpsample(context);
    case 'relu':
    case 'clamp':
      return preparePointwise(stage, context);
    case 'pixelShuffle':
    case 'pixelUnshuffle':
      return prepareShuffle(stage, context);
  }
}

function prepareUpsample({ kernels, input, output }: StageContext): StageRunner {
  return eachRow((y) =>
    kernels.upsample2x(output.row(y), input.row(y >> 1), input.width, input.channels),
  );
}

function preparePointwise(stage: Relu | Clamp, context: StageContext): StageRunner {
  const { kernels, input, output } = context;
  return eachRow((y) => {
    const target = output.row(y);
    kernels.copy(target, input.row(y), output.count);
    if (stage.kind === 'relu') kernels.relu(target, output.count);
    else kernels.clamp(target, output.count, stage.magnitude);
  });
}

function prepareShuffle(
  { kind, factor }: PixelShuffle | PixelUnshuffle,
  context: StageContext,
): StageRunner {
  const { memory, jobPtr, kernels, input, output, cin, cout } = context;
  writeJob(memory, jobPtr, [
    [JOB_WIDTH, Math.min(input.width, output.width)],
    [JOB_CHANNELS, input.channels],
    [JOB_OUT_CHANNELS, output.channels],
    [JOB_CIN, cin],
    [JOB_COUT, cout],
    [JOB_FACTOR, factor],
  ]);
  if (kind === 'pixelShuffle') {
    return eachRow((y) => {
      const row = input.row(Math.floor(y / factor));
      kernels.pixelShuffle(jobPtr, output.row(y), row, y % factor);
    });
  }
  return eachRow((y) => {
    for (let subrow = 0; subrow < factor; subrow++) {
      const row = input.row(y * factor + subrow);
      kernels.pixelUnshuffle(jobPtr, output.row(y), row, subrow);
    }
  });
}

/**
 * Direct convolutions. The skip connection and ReLU follow row by row, while a row is in the cache.
 */
function prepareDirect({ conv, relu }: ConvStage, context: StageContext): StageRunner {
  const { memory, jobPtr, kernels, input, output, add } = context;
  const { weightsPtr, biasPtr, cin, cout } = context.packed as PackedConv;
  const { kernel, stride } = conv;
  writeJob(memory, jobPtr, [
    [JOB_WIDTH, output.width],
    [JOB_CIN, cin],
    [JOB_COUT, cout],
    [JOB_STRIDE, stride],
    [JOB_WEIGHTS, weightsPtr],
    [JOB_BIAS, biasPtr],
  ]);
  const conv3x3 = stride === 1 ? kernels.conv3x3 : kernels.conv3x3Stride2;
  return eachRow((y) => {
    const target = output.row(y);
    const center = y * stride;
    const here = input.row(center);
    if (kernel === 1) kernels.conv1x1(jobPtr, target, here);
    else conv3x3(jobPtr, target, input.row(center - 1), here, input.row(center + 1));
    if (add !== undefined) kernels.add(target, add.row(y), output.count);
    if (relu) kernels.relu(target, output.count);
  });
}

function eachRow(run: (y: number) => void): StageRunner {
  return (span) => {
    for (let y = span.first; y < span.end; y++) run(y);
  };
}
