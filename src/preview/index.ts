export type { LatentsLike } from './latents-like.ts';
export { createPreviewer, type Frame, type Previewer, type PreviewOptions } from './previewer.ts';
