export type {
  LatentsWithOrigin,
  TensorLike,
  TensorLike as LatentsLike,
} from '../tensor-like/types.ts';
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
