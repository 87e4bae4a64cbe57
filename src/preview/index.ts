export type { LatentsLike } from './latents-like.ts';
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
