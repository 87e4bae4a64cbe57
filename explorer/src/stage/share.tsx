import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useExplorer } from '../explorer.ts';

/** The menu of things to take along: a link, the figure, the sum, a frame for another page. */
export function Share() {
  const { messages } = useExplorer();
  const card = useSignal<ComponentType | undefined>(undefined);
  const isOpen = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen.value) return;
    const onPointer = ({ target }: PointerEvent) => {
      if (!box.current?.contains(target as Node)) isOpen.value = false;
    };
    addEventListener('pointerdown', onPointer);
    return () => removeEventListener('pointerdown', onPointer);
  }, [isOpen.value]);
  /** The code that makes files of figures and sums is fetched when it is asked for. */
  const load = async () => {
    const { ShareCard } = await import('./share-card.tsx');
    card.value = ShareCard;
  };
  const Card = card.value;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes it from each of its buttons
    <div
      class="share"
      ref={box}
      onKeyDown={({ key }) => {
        if (key !== 'Escape' || !isOpen.value) return;
        isOpen.value = false;
        box.current?.querySelector('button')?.focus();
      }}
    >
      <button
        type="button"
        class="quiet"
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value;
          if (card.peek() === undefined) void messages.attempt(load);
        }}
      >
        Share
      </button>
      {isOpen.value && Card !== undefined && <Card />}
    </div>
  );
}
