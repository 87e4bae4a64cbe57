/**
 * Pictures of a diffusion loop while it runs, here or on a server.
 *
 * @module taesd-wasm/preview
 */

export type {
  LatentsWithOrigin,
  TensorLike,
  TensorLike as LatentsLike,
} from '../tensor-like/types.ts';
export { decodeFrame, encodeFrame, type FrameOptions, type LatentFrame } from '../wire/frame.ts';
export type { FrameType } from '../wire/header.ts';
export type {
  EventSourceLike,
  FrameSource,
  ResponseLike,
  SocketLike,
  StreamLike,
} from './frame-source.ts';
export {
  type PredictionOptions,
  type PredictionStep,
  predictOriginal,
} from './predict-original.ts';
export {
  type PreviewFromOptions,
  previewFrom,
  type StreamFrameInfo,
  type StreamPreview,
} from './preview-from.ts';
export {
  createPreviewer,
  type Decoder,
  type FrameInfo,
  type Previewer,
  type PreviewOptions,
} from './previewer.ts';
