import type { TaesdError } from '../errors.ts';
import type { DownloadProgress, Info, Picture } from '../options/types.ts';
import type { FrameInfo } from '../preview/previewer.ts';

/** The picture's step, and the number of steps if its source says it. */
export interface PresentedFrame extends FrameInfo {
  readonly total?: number | undefined;
}

/** The functions that a presenter reports to. */
export interface Audience {
  onLoading(isLoading: boolean): void;
  onLoad(info: Info): void;
  onProgress(progress: DownloadProgress): void;
  onFrame(picture: Picture, frame: PresentedFrame): void;
  onError(error: TaesdError): void;
}
