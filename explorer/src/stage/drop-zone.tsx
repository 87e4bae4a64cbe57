import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { useExplorer } from '../explorer.ts';

/** The whole page takes files that are dropped on it. */
export function DropZone({ children }: { children: ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  const { files } = useExplorer();
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files can be chosen by a button as well
    <div
      class={isOver ? 'page dropping' : 'page'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void files.open([...(event.dataTransfer?.files ?? [])]);
      }}
    >
      {children}
    </div>
  );
}
