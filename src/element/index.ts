export { defineTaesdPreview } from './define.ts';
export type { FrameDetail, PreviewSource, TaesdPreviewElement } from './types.ts';
