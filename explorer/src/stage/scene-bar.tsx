import type { ComponentChildren } from 'preact';
import { useExplorer } from '../explorer.ts';
import { SCENES } from '../scenes/index.ts';

/** Back, next, letting the window slide, and the scene’s question. */
export function SceneBar({ children }: { children: ComponentChildren }) {
  const { scene, go, slide } = useExplorer();
  const now = SCENES.findIndex(({ id }) => id === scene.value);
  const [back, next] = [SCENES[now - 1], SCENES[now + 1]];
  const canSlide = SCENES[now].slides === true;
  return (
    <div class="scene-bar">
      <button type="button" disabled={back === undefined} onClick={() => back && go(back.id)}>
        ◀ Back
      </button>
      {next !== undefined && (
        <button type="button" class="primary" onClick={() => go(next.id)}>
          <span>
            Next<span class="next-title">: {next.title}</span> ▶
          </span>
        </button>
      )}
      {canSlide && (
        <button
          type="button"
          aria-keyshortcuts="Space"
          onClick={() => (slide.filled.value === undefined ? slide.start() : slide.stop())}
        >
          {slide.filled.value === undefined ? (
            <span>
              ▷ Slide<span class="next-title"> the window</span>
            </span>
          ) : (
            '■ Show all'
          )}
        </button>
      )}
      {children}
    </div>
  );
}
