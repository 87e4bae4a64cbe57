import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import type { SceneId } from '../address/address.ts';
import type { Size } from './frame.ts';

/** The sizes, in pixels, that the stages of all scenes have room in: wide, square, upright. */
const ROOMY: readonly Size[] = [
  { width: 1040, height: 520 },
  { width: 740, height: 720 },
  { width: 376, height: 620 },
];

/** A wider stage is not laid out as an upright one: `34rem` in the style sheets. */
const UPRIGHT = 544;

/**
 * A stage alone in a frame: one that has no room there is laid out in more room, and drawn smaller.
 *
 * @param scene  undefined for a stage that has room. Scene 1 has layouts of its own for small ones
 * @returns the style of the stage's box, which fills its parent
 */
export function useFitted(
  box: RefObject<HTMLElement | null>,
  scene: SceneId | undefined,
): Record<string, string> {
  const [scale, setScale] = useState(1);
  useLayoutEffect(() => {
    const frame = box.current?.parentElement;
    if (frame === null || frame === undefined || scene === undefined || scene === '1') {
      setScale(1);
      return;
    }
    const look = () => setScale(scaleIn({ width: frame.clientWidth, height: frame.clientHeight }));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(frame);
    return () => observer.disconnect();
  }, [scene]);
  if (scale === 1) return {};
  const whole = `${100 / scale}%`;
  return { width: whole, height: whole, transform: `scale(${scale})` };
}

/** Returns the largest scale at which a stage has room in a frame: 1 at most. */
export function scaleIn({ width, height }: Size): number {
  const scales = ROOMY.map((roomy) => {
    const scale = Math.min(1, width / roomy.width, height / roomy.height);
    const isOther = roomy.width < UPRIGHT && width / scale > UPRIGHT;
    return isOther ? 0 : scale;
  });
  return Math.max(...scales);
}
