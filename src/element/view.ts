import type { DownloadProgress, Picture } from '../options/types.ts';

/*
 * The element on the page: a canvas, the text in its place before the first picture, a bar while
 * weights arrive, and a line of status.
 */

/**
 * Colours are those of the page, whose text the element inherits, and greys that are readable on
 * light and on dark. So the element is light where the page is light. The status is a live region:
 * it is on the page from the beginning, out of sight until something fails.
 */
const STYLES = `
:host { display: inline-block; max-width: 100% }
:host([hidden]), [hidden] { display: none !important }
[part=frame] { position: relative; overflow: hidden }
[part=picture] { position: absolute; inset: 0; width: 100%; height: 100% }
[part=placeholder], [part~=status] { margin: 0; font: .875em/1.4 system-ui, sans-serif;
  overflow-wrap: anywhere }
[part=placeholder] { position: absolute; inset: 0; display: grid; place-content: center;
  text-align: center; background: rgba(128, 128, 128, .12); box-shadow: inset 0 0 0 1px rgba(128, 128, 128, .5) }
[part=progress] { position: absolute; inset: auto 0 0; width: 100%; height: .5em }
[part~=error] { margin-top: .25em; padding: .25em .5em; border-left: .25em solid #d33 }
[part=status] { position: absolute; width: 1px; height: 1px; overflow: hidden;  clip-path: inset(50%) }
`;

const DEFAULT_SIDE = 256;

interface Described {
  readonly alt: string | undefined;
  /** The size by the attributes. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

interface Steps {
  readonly step: number | undefined;
  readonly steps: number | undefined;
}

export class View {
  readonly #host: HTMLElement;
  readonly #setStyles: (text: string) => void;
  readonly #frame: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #placeholder: HTMLElement;
  readonly #progress: HTMLProgressElement;
  readonly #status: HTMLElement;
  #described: Described = { alt: undefined, width: undefined, height: undefined };
  #shown: ({ readonly width: number; readonly height: number } & Steps) | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
    const root = host.attachShadow({ mode: 'open' });
    this.#setStyles = stylesOf(root);
    this.#frame = part('div', 'frame');
    this.#canvas = part('canvas', 'picture');
    this.#placeholder = part('div', 'placeholder');
    this.#progress = part('progress', 'progress');
    this.#status = part('p', 'status');
    const words = document.createElement('slot');
    words.textContent = 'No picture yet';
    this.#placeholder.append(words);
    this.#canvas.hidden = true;
    this.#progress.hidden = true;
    this.#progress.setAttribute('aria-label', 'Loading the model');
    this.#status.setAttribute('role', 'status');
    this.#frame.append(this.#canvas, this.#placeholder, this.#progress);
    root.append(this.#frame, this.#status);
    this.describe(this.#described);
  }

  /** Takes attributes: the name of the picture, and the size of its place on the page. */
  describe(described: Described): void {
    this.#described = described;
    const { alt, width, height } = described;
    const [w, h] = this.#size();
    // Rules of the page about the element come before this one, as for an <img> with a size.
    this.#setStyles(`${STYLES}:host { width: ${w}px } [part=frame] { aspect-ratio: ${w} / ${h} }`);
    const isHidden = alt === '';
    this.#canvas.setAttribute('role', isHidden ? 'none' : 'img');
    if (this.#shown === undefined) return;
    const { step, steps } = this.#shown;
    const ofSteps = steps === undefined ? '' : ` of ${steps}`;
    const words = [
      alt ?? 'Preview',
      ...(step === undefined ? [] : [`step ${step + 1}${ofSteps}`]),
      `${width ?? this.#shown.width} × ${height ?? this.#shown.height}`,
    ];
    if (isHidden) this.#canvas.removeAttribute('aria-label');
    else this.#canvas.setAttribute('aria-label', words.join(', '));
  }

  show({ width, height, data }: Picture, { step, steps }: Steps): void {
    const canvas = this.#canvas;
    const isFirst = canvas.hidden;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    canvas.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0);
    canvas.hidden = false;
    this.#placeholder.hidden = true;
    this.#shown = { width, height, step, steps };
    this.describe(this.#described);
    // Screen readers hear of the first picture and of the last, and not of each step.
    const isLast = step !== undefined && step + 1 === steps;
    const name = canvas.getAttribute('aria-label') ?? '';
    if (isFirst || isLast) this.#say(name);
    else if (this.#status.part.length > 1) this.#say('');
  }

  fail(sentence: string): void {
    this.#say(sentence, true);
  }

  loading(isLoading: boolean): void {
    this.#progress.hidden = !isLoading;
    this.#progress.removeAttribute('value');
    if (isLoading) this.#host.setAttribute('aria-busy', 'true');
    else this.#host.removeAttribute('aria-busy');
  }

  progress({ done, total }: DownloadProgress): void {
    if (total === undefined) this.#progress.removeAttribute('value');
    else this.#progress.value = done / total;
  }

  #say(text: string, isError = false): void {
    this.#status.textContent = text;
    this.#status.part.toggle('error', isError);
  }

  /** Returns the size by the attributes, otherwise that of the picture. */
  #size(): readonly [width: number, height: number] {
    const { width, height } = this.#described;
    const isSize = (side: number | undefined): side is number => side !== undefined && side > 0;
    const own = this.#shown ?? { width: DEFAULT_SIDE, height: DEFAULT_SIDE };
    const ratio = own.height / own.width;
    if (isSize(width)) return [width, isSize(height) ? height : width * ratio];
    return isSize(height) ? [height / ratio, height] : [own.width, own.height];
  }
}

function part<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  part: string,
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  (element as unknown as HTMLElement).setAttribute('part', part);
  return element;
}

/**
 * Returns the function that sets a root's styles. Sheets of code need no permission of a
 * Content-Security-Policy; Firefox before 101 and Safari before 16.4 lack them.
 */
function stylesOf(root: ShadowRoot): (text: string) => void {
  if ('adoptedStyleSheets' in root) {
    const sheet = new CSSStyleSheet();
    root.adoptedStyleSheets = [sheet];
    return (text) => sheet.replaceSync(text);
  }
  const style = document.createElement('style');
  (root as ShadowRoot).append(style);
  return (text) => {
    style.textContent = text;
  };
}
