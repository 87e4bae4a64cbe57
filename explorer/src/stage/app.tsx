import { useEffect, useRef, useState } from 'preact/hooks';
import { figureIn, formatAddress, type Hideable } from '../address/address.ts';
import { type Explorer, ExplorerContext, useExplorer } from '../explorer.ts';
import { SCENES } from '../scenes/index.ts';
import type { Scene, SceneEntry } from '../scenes/scene.ts';
import { Drawer } from './drawer.tsx';
import { DropZone } from './drop-zone.tsx';
import { useFitted } from './fitted.ts';
import { Messages } from './messages.tsx';
import { Ribbon } from './ribbon.tsx';
import { SceneBar } from './scene-bar.tsx';
import { SceneNav } from './scene-nav.tsx';
import { Share } from './share.tsx';

export function App({ explorer }: { explorer: Explorer }) {
  return (
    <ExplorerContext.Provider value={explorer}>
      <DropZone>
        <Page />
      </DropZone>
    </ExplorerContext.Provider>
  );
}

function Page() {
  const explorer = useExplorer();
  const { scene, lit, slide, extent, isDrawerOpen, flow } = explorer;
  const now = SCENES.find(({ id }) => id === scene.value) ?? SCENES[0];
  const loaded = useScene(now);
  useEffect(() => loaded?.enter?.(explorer), [loaded]);
  useSpace(() => {
    if (!now.slides) return false;
    if (slide.filled.value === undefined) slide.start();
    else slide.stop();
    return true;
  });
  const { hidden, embed } = extent;
  const { Text, Question } = loaded ?? {};
  const isShown = (part: Hideable) => !hidden.has(part);
  const state = { 'data-scene': now.id, 'data-lit': lit, 'data-flow': flow.state };
  if (embed !== undefined) {
    const figure = figureIn(now.id, embed);
    return (
      <div class={`explorer embed embed-${figure}`} {...state}>
        <main aria-label={now.title}>
          {figure === 'ribbon' ? (
            <Ribbon />
          ) : (
            <StageBox scene={loaded} isFitted={figure === 'stage'} />
          )}
        </main>
        <footer>
          <Messages />
          <EmbedLink />
        </footer>
      </div>
    );
  }
  return (
    <div class="explorer" {...state}>
      {/* biome-ignore lint/a11y/useValidAnchor: a link to the stage, whose address stays */}
      <a class="skip" href="#stage" onClick={toMap}>
        Skip to the map
      </a>
      {isShown('header') && (
        <header class="masthead">
          <h1>Inside a small autoencoder</h1>
          <SceneNav />
          {isShown('settings') && <Share />}
          {isShown('settings') && (
            <button
              type="button"
              class="quiet"
              aria-expanded={isDrawerOpen}
              onClick={() => {
                isDrawerOpen.value = !isDrawerOpen.value;
              }}
            >
              Settings
            </button>
          )}
        </header>
      )}
      {isShown('ribbon') && <Ribbon />}
      <main>
        {isShown('text') && (
          <div class="scene-text" key={now.id}>
            {Text !== undefined && <Text />}
          </div>
        )}
        <StageBox scene={loaded} />
      </main>
      <footer>
        {isShown('bar') && (
          <SceneBar>
            {isShown('question') && Question !== undefined && <Question key={now.id} />}
          </SceneBar>
        )}
        <Messages />
      </footer>
      {isDrawerOpen.value && <Drawer />}
    </div>
  );
}

function StageBox({ scene, isFitted }: { scene: Scene | undefined; isFitted?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const style = useFitted(box, isFitted ? scene?.id : undefined);
  return (
    <div class="stage-box" id="stage" ref={box} style={style}>
      {scene !== undefined && (
        <div class="stage" key={scene.id}>
          <scene.Stage />
        </div>
      )}
    </div>
  );
}

/** The scene, once its code is there. When it is shown, the code of the next one is fetched. */
function useScene(entry: SceneEntry): Scene | undefined {
  const { messages } = useExplorer();
  const scenes = useRef(new Map<string, Scene>()).current;
  const [, setCount] = useState(0);
  const found = entry.scene ?? scenes.get(entry.id);
  useEffect(() => {
    const fetched = async ({ id, load }: SceneEntry) => {
      if (load === undefined || scenes.has(id)) return;
      scenes.set(id, await load());
      setCount(scenes.size);
    };
    const next = SCENES[SCENES.indexOf(entry) + 1] ?? entry;
    fetched(entry)
      .then(() => whenIdle(() => fetched(next)))
      .catch(messages.report);
  }, [entry]);
  return found;
}

/** Later, when the page has nothing more urgent to do. Not all browsers tell when that is. */
const whenIdle = (work: () => Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    setTimeout(() => work().then(resolve, reject), 1500);
  });

/** From a figure in a frame to the whole page, at the same place. */
function EmbedLink() {
  const { read } = useExplorer();
  const { origin, pathname } = location;
  return (
    <a
      class="embed-link"
      target="_blank"
      rel="noopener"
      href={`${origin}${pathname}${formatAddress(read())}`}
    >
      Open in the explorer
    </a>
  );
}

/** To the stage’s map, past the words and the ribbon. */
function toMap(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('.stage [tabindex="0"], .stage button')?.focus();
}

/** Space, wherever no control has a use of its own for it. */
function useSpace(onSpace: () => boolean): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== ' ' || target.closest('button, a, input, select, textarea, summary'))
        return;
      if (onSpace()) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  });
}
