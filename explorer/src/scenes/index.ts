import { coldOpen } from './cold-open.tsx';
import { oneNumber } from './one-number.tsx';
import type { SceneEntry } from './scene.ts';

/**
 * The story, in its order. The first two scenes come with the page, the code of the others when it
 * is needed.
 */
export const SCENES: readonly SceneEntry[] = [
  { id: '0', title: 'Start', scene: coldOpen },
  { id: '1', title: 'One number', slides: true, scene: oneNumber },
  {
    id: '2',
    title: 'A filter',
    slides: true,
    load: async () => (await import('./filter.tsx')).aFilter,
  },
  {
    id: '3',
    title: 'A stack',
    slides: true,
    load: async () => (await import('./stack.tsx')).aStack,
  },
  {
    id: '4',
    title: 'The bottleneck',
    load: async () => (await import('./bottleneck.tsx')).bottleneck,
  },
  {
    id: '5',
    title: 'Back to pixels',
    load: async () => (await import('./back-to-pixels.tsx')).backToPixels,
  },
  {
    id: '6',
    title: 'How far it sees',
    load: async () => (await import('./how-far.tsx')).howFar,
  },
  { id: 'free', title: 'Free', load: async () => (await import('./free.tsx')).free },
];
