export type {
  LatentsWithOrigin,
  TensorLike,
  TensorLike as LatentsLike,
} from '../tensor-like/types.ts';
export { decodeFrame, encodeFrame, type FrameOptions, type LatentFrame } from '../wire/frame.ts';
export type { FrameType } from '../wire/header.ts';
export {
  type PredictionOptions,
  type PredictionStep,
  predictOriginal,
} from './predict-original.ts';
export {
  createPreviewer,
  type FrameInfo,
  type Previewer,
  type PreviewOptions,
} from './previewer.ts';
