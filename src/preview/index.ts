export type { LatentsLike } from './latents-like.ts';
export {
  createPreviewer,
  type FrameInfo,
  type Previewer,
  type PreviewOptions,
} from './previewer.ts';
