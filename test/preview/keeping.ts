import type { Picture } from '../../src/options/types.ts';
import { createPreviewer, type FrameInfo } from '../../src/preview/index.ts';
import type { Taesd } from '../../src/taesd.ts';

interface Shown extends FrameInfo {
  readonly picture: Picture;
}

/** Returns a previewer and what it shows and reports. */
export function keeping(instance: Pick<Taesd, 'decode' | 'info'>, options: object = {}) {
  const shown: Shown[] = [];
  const errors: unknown[] = [];
  const previewer = createPreviewer(instance, {
    onFrame: (picture, frame) => void shown.push({ picture, ...frame }),
    onError: (error) => errors.push(error),
    ...options,
  });
  return { previewer, shown, errors };
}
