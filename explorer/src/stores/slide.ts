import { effect, signal } from '@preact/signals';

/**
 * Outputs a second at first, and by how much that grows each second: slow enough to follow, done in
 * some ten seconds.
 */
const FIRST_RATE = 6;
const GROWTH = 3.2;

/** The window slides over the input, row by row, and the output fills. */
export function createSlide() {
  const isSliding = signal(false);
  /** How many outputs are filled; undefined if the output is shown whole. */
  const filled = signal<number | undefined>(undefined);

  const end = effect(() => {
    if (!isSliding.value) return;
    let began: number | undefined;
    let frame = requestAnimationFrame(function next(now) {
      began ??= now;
      const seconds = (now - began) / 1000;
      const rate = Math.log(GROWTH);
      filled.value = Math.floor((FIRST_RATE * (GROWTH ** seconds - 1)) / rate);
      frame = requestAnimationFrame(next);
    });
    return () => cancelAnimationFrame(frame);
  });

  return {
    isSliding,
    filled,
    end,
    start(): void {
      filled.value = 0;
      isSliding.value = true;
    },
    stop(): void {
      isSliding.value = false;
      filled.value = undefined;
    },
  };
}

export type Slide = ReturnType<typeof createSlide>;
