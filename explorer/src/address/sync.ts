import { effect } from '@preact/signals';
import type { ModelName } from 'taesd-wasm';
import { type Address, formatAddress, parseAddress } from './address.ts';

/**
 * The pixel follows the pointer: browsers refuse an address that changes a hundred times in a row.
 */
const REST_MS = 250;

/** The events of a hand. */
const INPUTS = ['pointerdown', 'keydown', 'click'] as const;

interface SyncOptions {
  /** The state, read as signals. */
  readonly read: () => Address;
  /** Takes the state that an address names. */
  readonly apply: (address: Address) => void;
  readonly models: readonly ModelName[];
}

/**
 * Keeps the browser's address and the state alike. Another scene or layer is a new entry of the
 * history, which Back returns to, if a hand has chosen it. Anything else changes the entry.
 *
 * @returns the function that ends it
 */
export function syncAddress({ read, apply, models }: SyncOptions): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = parseAddress(location.hash, models);
  /**
   * The inputs of a hand so far, and those that have an entry: a scene that begins chooses a layer
   * by itself.
   */
  let inputs = 0;
  let entered = 0;
  const count = () => {
    inputs++;
  };
  for (const type of INPUTS) addEventListener(type, count, true);
  const stop = effect(() => {
    const next = read();
    clearTimeout(timer);
    const isOther = (part: 'scene' | 'layer') =>
      last[part] !== undefined && next[part] !== last[part];
    // Another model may begin at another layer: nobody went there.
    const isElsewhere = isOther('scene') || (next.model === last.model && isOther('layer'));
    const isMove = isElsewhere && inputs > entered;
    timer = setTimeout(
      () => {
        const hash = formatAddress(next);
        last = next;
        if (hash === location.hash) return;
        if (!isMove) {
          history.replaceState(null, '', hash);
          return;
        }
        entered = inputs;
        history.pushState(null, '', hash);
      },
      isMove ? 0 : REST_MS,
    );
  });
  const take = () => {
    entered = inputs;
    last = parseAddress(location.hash, models);
    apply(last);
  };
  addEventListener('popstate', take);
  return () => {
    clearTimeout(timer);
    stop();
    removeEventListener('popstate', take);
    for (const type of INPUTS) removeEventListener(type, count, true);
  };
}
