/**
 * `<taesd-preview>`, an element that shows latents.
 *
 * @module taesd-wasm/element
 */

export { defineTaesdPreview } from './define.ts';
export type {
  FrameDetail,
  PreviewEvents,
  PreviewLatents,
  PreviewListeners,
  PreviewSource,
  TaesdPreviewElement,
} from './types.ts';
