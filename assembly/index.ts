/*
 * The kernels. They work on one row, or on one block of a row's tiles; they allocate nothing and
 * check nothing. Their callers are in src/backend/wasm, which check once. All of a stage that does
 * not change while it runs is in its job, src/backend/wasm/job-layout.ts.
 * src/backend/wasm/kernels.ts lists these names once more, each with its parameters.
 */

export { conv1x1, conv3x3, conv3x3Stride2 } from './conv';
export { sumChannels, sumProducts } from './moments';
export { pixelBytes } from './pixel-bytes';
export { pixelShuffle, pixelUnshuffle } from './pixel-shuffle';
export { add, clamp, copy, relu } from './pointwise';
export { touchRows } from './touch-rows';
export { upsample2x } from './upsample2x';
export { winogradMultiply } from './winograd';
export {
  winogradStride2TransformInput,
  winogradStride2TransformOutput,
} from './winograd-stride2';
export { winogradTransformGroup, winogradTransformWeights } from './winograd-weights';
export { winogradTransformInput, winogradTransformOutput } from './winograd4x4';
export { winograd6TransformInput, winograd6TransformOutput } from './winograd6x6';
export { winograd6TransformInput16 } from './winograd6x6-input16';
export { winograd6TransformWeights } from './winograd6x6-weights';
export { winogradMultiply16, winogradRoundWeights } from './winograd16';
export { winogradTransformInput16 } from './winograd16-input';
export { winogradStride2TransformInput16 } from './winograd16-stride2';
