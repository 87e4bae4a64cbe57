import { problem, status } from '../state/messages.ts';
import { Comparison } from './comparison.tsx';
import { Costs } from './costs.tsx';
import { Generation } from './generation.tsx';
import { LatentEditor } from './latent-editor.tsx';
import { Layers } from './layers.tsx';
import { ModelChooser } from './model-chooser.tsx';
import { DropZone, PictureChooser } from './picture-chooser.tsx';

const SECTIONS = [
  ['there-and-back', 'There and back'],
  ['layers', 'Layer by layer'],
  ['latent', 'The latent'],
  ['costs', 'What it costs'],
  ['generation', 'From noise'],
] as const;

export function App() {
  return (
    <DropZone>
      <a class="skip" href="#there-and-back">
        Skip to the pictures
      </a>
      <header class="masthead">
        <p class="kicker">TAESD explorer</p>
        <h1>Inside a small autoencoder</h1>
        <p class="lede">
          Most image generators do not paint pixels. They work on a <em>latent</em>, a picture with
          up to 48 times fewer numbers, and a decoder makes the pixels of it. Here is such a pair of
          networks, taken apart: every number on this page is computed now, in your browser, by the
          same kernels that the package runs.
        </p>
        <div class="choosers">
          <PictureChooser />
          <ModelChooser />
        </div>
        <Messages />
      </header>
      <nav class="contents" aria-label="Parts of this page">
        <ul>
          {SECTIONS.map(([id, title]) => (
            <li key={id}>
              <a href={`#${id}`}>{title}</a>
            </li>
          ))}
        </ul>
      </nav>
      <main>
        <Comparison />
        <Layers />
        <LatentEditor />
        <Costs />
        <Generation />
      </main>
      <footer>
        <p>
          TAESD is by Ollin Boer Bohan (MIT licence). This page is part of taesd-wasm and uses
          nothing of it but its public entries: <code>Taesd.steps</code> for the layers,{' '}
          <code>taesd-wasm/preview</code> for what follows live. Pictures and weights stay in this
          browser.
        </p>
      </footer>
    </DropZone>
  );
}

function Messages() {
  return (
    <div class="messages">
      <p role="status" class="status">
        {status}
      </p>
      <div role="alert">
        {problem.value !== undefined && (
          <p class="problem">
            <span>{problem}</span>
            <button
              type="button"
              class="quiet"
              onClick={() => {
                problem.value = undefined;
              }}
            >
              Close
            </button>
          </p>
        )}
      </div>
    </div>
  );
}
