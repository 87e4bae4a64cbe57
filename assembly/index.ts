export { conv1x1, conv3x3, conv3x3Stride2 } from './conv';
export { add, clamp, copy, relu } from './pointwise';
export { upsample2x } from './upsample2x';
export {
  touchRows,
  winogradMultiply,
  winogradTransformInput,
  winogradTransformOutput,
  winogradTransformWeights,
} from './winograd';
export {
  winogradMultiply16,
  winogradRoundWeights,
  winogradTransformInput16,
} from './winograd16';
