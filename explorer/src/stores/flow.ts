import { effect, type ReadonlySignal, signal } from '@preact/signals';
import type { SceneId } from '../address/address.ts';

/** `styles/scene-cold-open.css` has its stages. */
const FLOW_MS = 8000;

/** The cold open plays once: when a picture has come out of the network for the first time. */
export function createFlow(scene: ReadonlySignal<SceneId>, coded: ReadonlySignal<unknown>) {
  const state = signal<'waiting' | 'running' | 'done'>('waiting');
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const finish = (): void => {
    clearTimeout(timer);
    state.value = 'done';
  };
  const play = (): void => {
    clearTimeout(timer);
    state.value = 'running';
    timer = setTimeout(finish, FLOW_MS);
  };
  const stop = effect(() => {
    if (scene.value !== '0') finish();
    else if (coded.value !== undefined && state.peek() === 'waiting') {
      if (isStill) finish();
      else play();
    }
  });
  return {
    state,
    finish,
    /** Undefined where motion is not wanted. */
    replay: isStill ? undefined : play,
    end(): void {
      clearTimeout(timer);
      stop();
    },
  };
}
