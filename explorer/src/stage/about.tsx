import { useExplorer } from '../explorer.ts';
import { copyText } from './copy.ts';

/** The version of the package. Written by the build. */
declare const PACKAGE_VERSION: string;

const LINKS = [
  ['TAESD', 'https://github.com/madebyollin/taesd', 'the network that this page takes apart'],
  [
    'Auto-Encoding Variational Bayes',
    'https://arxiv.org/abs/1312.6114',
    'the paper on variational autoencoders',
  ],
  [
    'High-Resolution Image Synthesis with Latent Diffusion Models',
    'https://arxiv.org/abs/2112.10752',
    'the paper on painting latents',
  ],
  [
    'CNN Explainer',
    'https://poloclub.github.io/cnn-explainer/',
    'another page on convolutions, of a network that tells things apart',
  ],
] as const;

const bibtex = (): string => `@software{taesd_wasm_explorer,
  title   = {Inside a small autoencoder},
  note    = {The explorer of taesd-wasm, an interactive page},
  version = {${PACKAGE_VERSION}},
  url     = {${location.origin + location.pathname}}
}`;

/** Links to read on, and the way to cite the page. */
export function About() {
  const { messages } = useExplorer();
  const entry = bibtex();
  return (
    <details class="about">
      <summary>About this page</summary>
      <p class="hint">
        Everything is computed in this browser by taesd-wasm {PACKAGE_VERSION}. No picture leaves
        it.
      </p>
      <ul>
        {LINKS.map(([name, href, what]) => (
          <li key={href}>
            <a href={href}>{name}</a>, {what}
          </li>
        ))}
      </ul>
      <p class="hint">To cite it:</p>
      <pre>{entry}</pre>
      <button
        type="button"
        class="compact"
        onClick={() =>
          messages.attempt(async () => {
            await copyText(entry);
            messages.say('Copied.');
          })
        }
      >
        Copy BibTeX
      </button>
    </details>
  );
}
