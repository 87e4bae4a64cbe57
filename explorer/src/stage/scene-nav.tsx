import { useExplorer } from '../explorer.ts';
import { SCENES } from '../scenes/index.ts';
import { moveFocus } from './roving.ts';

/** The scenes, each a link to its address. */
export function SceneNav() {
  const { scene, go } = useExplorer();
  return (
    <nav class="scene-nav" aria-label="Scenes" onKeyDown={(event) => moveFocus(event)}>
      {SCENES.map(({ id, title }) => (
        <a
          key={id}
          data-item
          href={`#${id}`}
          aria-current={scene.value === id ? 'page' : undefined}
          tabIndex={scene.value === id ? 0 : -1}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            go(id);
          }}
        >
          {/^\d$/.test(id) && id !== '0' && <span class="scene-number">{id}</span>} {title}
        </a>
      ))}
    </nav>
  );
}
