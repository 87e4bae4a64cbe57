import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { FIGURES, type FigureName, formatAddress } from '../address/address.ts';
import { type Explorer, useExplorer } from '../explorer.ts';
import { pngOf } from '../export/figure-file.ts';
import { sumAsCsv, sumAsLatex, sumAsText, type WrittenSum } from '../export/sum-text.ts';
import { download } from '../stores/files.ts';
import { copyPng, copyText } from './copy.ts';
import { presentFigure, presentSum, showsSum } from './present.ts';

const FIGURE_NAMES: Readonly<Record<FigureName, string>> = {
  stage: 'The whole stage',
  input: 'The input',
  sum: 'The sum',
  output: 'The output',
  ribbon: 'The ribbon',
};

/** The page's address with exactly what is shown, without what a link hides. */
function linkOf(explorer: Explorer, embed?: FigureName): string {
  const address = new URL(location.href);
  address.search = embed === undefined ? '' : `?embed=${embed}`;
  address.hash = formatAddress(explorer.read());
  return address.href;
}

const iframeOf = (address: string): string =>
  `<iframe src="${address.replaceAll('&', '&amp;')}" width="800" height="450" style="border:0" loading="lazy" title="Inside a small autoencoder"></iframe>`;

/** A name for files: `3-taesd-decoder.8-12-13,7`. */
const fileName = (explorer: Explorer, ending: string): string =>
  `explorer-${formatAddress(explorer.read()).slice(1).replaceAll('/', '-')}.${ending}`;

/** The entries of the menu. */
export function ShareCard() {
  const explorer = useExplorer();
  const { messages, pictures } = explorer;
  const figure = useSignal<FigureName>('stage');
  const act = (work: () => unknown, done: string) => () =>
    messages.attempt(async () => {
      await work();
      messages.say(done);
    });
  const copy = (text: () => string) => act(() => copyText(text()), 'Copied.');
  const svg = (): string => {
    const made = presentFigure(explorer);
    if (made === undefined) throw new Error('There is no figure yet.');
    return made;
  };
  const sum = (write: (sum: WrittenSum) => string) =>
    copy(() => {
      const now = presentSum(explorer);
      if (now === undefined) throw new Error('There is no sum yet.');
      return write(now);
    });
  const save = (ending: string, type: string, make: () => string | Promise<Blob>) =>
    act(async () => {
      download(fileName(explorer, ending), await make(), type);
    }, 'Saved.');
  return (
    <div class="share-card">
      <Group name="A link to exactly this">
        <Do label="Copy link" onClick={copy(() => linkOf(explorer))} />
      </Group>
      {!pictures.isSample() && (
        <p class="hint">
          Your own picture is not part of a link. It stays in this browser: whoever opens the link
          sees the sample.
        </p>
      )}
      <Group name="The figure">
        <Do label="Copy PNG" onClick={act(() => copyPng(pngOf(svg())), 'Copied.')} />
        <Do label="Copy SVG" onClick={copy(svg)} />
        <Do label="Save PNG" onClick={save('png', 'image/png', () => pngOf(svg()))} />
        <Do label="Save SVG" onClick={save('svg', 'image/svg+xml', svg)} />
      </Group>
      {showsSum() && (
        <Group name="The sum">
          <Do label="Copy text" onClick={sum(sumAsText)} />
          <Do label="Copy CSV" onClick={sum(sumAsCsv)} />
          <Do label="Copy LaTeX" onClick={sum(sumAsLatex)} />
        </Group>
      )}
      <Group name="In another page">
        <select
          aria-label="What is embedded"
          value={figure.value}
          onChange={({ currentTarget }) => {
            figure.value = currentTarget.value as FigureName;
          }}
        >
          {FIGURES.map((name) => (
            <option key={name} value={name}>
              {FIGURE_NAMES[name]}
            </option>
          ))}
        </select>
        <Do label="Copy code" onClick={copy(() => iframeOf(linkOf(explorer, figure.value)))} />
      </Group>
    </div>
  );
}

function Group({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <fieldset>
      <legend>{name}</legend>
      <div class="row">{children}</div>
    </fieldset>
  );
}

const Do = ({ label, onClick }: { label: string; onClick: () => void }) => (
  <button type="button" class="compact" onClick={onClick}>
    {label}
  </button>
);
