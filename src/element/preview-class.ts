import { tagOf } from '../builtins/tags.ts';
import type { PredictionStep } from '../preview/predict-original.ts';
import type { Taesd } from '../taesd.ts';
import { Presenter, type Settings } from './presenter.ts';
import type {
  FrameDetail,
  PreviewEvents,
  PreviewLatents,
  PreviewSource,
  TaesdPreviewElement,
} from './types.ts';
import { View } from './view.ts';

/** The class of the elements, with the mark by which `defineTaesdPreview` knows it. */
export interface OurClass extends CustomElementConstructor {
  readonly isTaesdPreview: true;
}

type By = number | PredictionStep | undefined;

const TEXTS = ['model', 'weights', 'space', 'alt'];
const NUMBERS = ['width', 'height', 'resolution', 'steps'];
const DOWNLOAD = 'download';
/** The attributes that another model is loaded by. */
const BY_MODEL = ['model', 'weights', DOWNLOAD];
/** The attributes that properties reflect. */
const ATTRIBUTES = [...TEXTS, ...NUMBERS, DOWNLOAD];

/** Returns the text of an attribute for a property's value. It never throws. */
function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return `${value}`;
  const tag = tagOf(value);
  return tag === 'URL' ? (value as URL).href : tag;
}

/** Reads a number, or a fraction such as `1/4`. Other texts are NaN, which is refused in use. */
function numberOf(text: string): number {
  const [over, under = '1'] = text.split('/', 2);
  return text.trim() === '' ? Number.NaN : Number(over) / Number(under);
}

/**
 * Makes the class of the elements. It is made on demand, because a server has no HTMLElement to
 * extend.
 */
export function previewClass(): OurClass {
  class TaesdPreview extends HTMLElement {
    static readonly isTaesdPreview = true;
    static readonly observedAttributes = [...ATTRIBUTES, 'src'];

    readonly #view = new View(this);
    readonly #presenter = new Presenter(() => this.#settings(), {
      onLoading: (isLoading) => this.#view.loading(isLoading),
      onLoad: (detail) => this.#dispatch('load', detail),
      onProgress: (detail) => {
        this.#view.progress(detail);
        this.#dispatch('progress', detail);
      },
      onFrame: (picture, frame) => {
        const { step, total, elapsedMs, dropped } = frame;
        const steps = total ?? this.#number('steps');
        const { width, height } = picture;
        this.#view.show(picture, { step, steps });
        const detail: FrameDetail = { step, steps, elapsedMs, dropped, width, height };
        this.#dispatch('frame', detail);
      },
      onError: (error) => {
        this.#view.fail(error.message);
        this.#dispatch('error', error);
      },
    });
    #taesd: TaesdPreviewElement['taesd'];
    #latents: PreviewLatents | undefined;
    /** Latents that wait until the element is on the page. */
    #waiting: { readonly latents: PreviewLatents; readonly by: By } | undefined;
    #source: PreviewSource | undefined;
    /** True if `#source` has been opened, or newer latents took its place. */
    #isOpened = true;
    #isLive = false;
    /** True if a model was asked for since its attributes changed. */
    #isBegun = false;
    #isDue = false;

    connectedCallback(): void {
      for (const name of [...ATTRIBUTES, 'src', 'taesd', 'latents']) this.#upgrade(name);
      this.#schedule();
    }

    disconnectedCallback(): void {
      this.#schedule();
    }

    attributeChangedCallback(name: string, _: unknown, value: string | null): void {
      if (name === 'src') this.#open(value ?? undefined);
      else if (BY_MODEL.includes(name)) this.#changeModel();
      this.#view.describe(this.#settings());
      this.#schedule();
    }

    get src(): PreviewSource | undefined {
      return this.#source;
    }

    set src(source: PreviewSource | undefined | null) {
      if (typeof source === 'string' || tagOf(source) === 'URL') {
        this.setAttribute('src', textOf(source));
        return;
      }
      this.removeAttribute('src');
      this.#open(source ?? undefined);
      this.#schedule();
    }

    get taesd(): TaesdPreviewElement['taesd'] {
      return this.#taesd;
    }

    set taesd(taesd: TaesdPreviewElement['taesd'] | null) {
      this.#taesd = taesd ?? undefined;
      this.#changeModel();
      this.#presenter.give(this.#taesd as Taesd | undefined);
      this.#schedule();
    }

    get latents(): PreviewLatents | undefined {
      return this.#latents;
    }

    set latents(latents: PreviewLatents | undefined | null) {
      this.#latents = latents ?? undefined;
      if (this.#latents !== undefined) this.push(this.#latents);
    }

    push(latents: PreviewLatents, by?: By): boolean {
      this.#isOpened = true;
      this.#presenter.close();
      if (!this.isConnected) {
        this.#waiting = { latents, by };
        return true;
      }
      this.#waiting = undefined;
      this.#isLive = true;
      this.#isBegun = true;
      return this.#presenter.push(latents, by);
    }

    #open(source: PreviewSource | undefined): void {
      this.#source = source;
      this.#waiting = undefined;
      this.#isOpened = source === undefined;
      this.#presenter.close();
    }

    /** An address is opened anew for another model; a connection cannot be, and ends. */
    #changeModel(): void {
      this.#isBegun = false;
      if (!this.#isOpened || this.#source === undefined) return;
      this.#presenter.close();
      this.#isOpened = typeof this.#source !== 'string';
    }

    /**
     * Updates once for all changes of this turn. So an element that is moved is never removed, and
     * a model is loaded with all its attributes.
     */
    #schedule(): void {
      if (this.#isDue) return;
      this.#isDue = true;
      void Promise.resolve().then(() => {
        this.#isDue = false;
        this.#update();
      });
    }

    #update(): void {
      if (!this.isConnected) {
        if (this.#isLive) this.#presenter.stop();
        this.#isLive = false;
        this.#isBegun = false;
        // A source is opened anew when the element comes back.
        this.#isOpened = this.#source === undefined;
        return;
      }
      this.#isLive = true;
      const waiting = this.#waiting;
      if (waiting !== undefined) this.push(waiting.latents, waiting.by);
      if (!this.#isOpened) {
        this.#isOpened = true;
        this.#presenter.open(this.#source);
      }
      if (this.hasAttribute('model') && !this.#isBegun) this.#presenter.load();
      this.#isBegun = true;
    }

    #settings(): Settings {
      const text = (name: string) => this.getAttribute(name) ?? undefined;
      return {
        model: text('model'),
        weights: text('weights'),
        space: text('space'),
        alt: text('alt'),
        download: this.hasAttribute(DOWNLOAD),
        width: this.#number('width'),
        height: this.#number('height'),
        resolution: this.#number('resolution'),
        base: this.baseURI,
      };
    }

    #number(name: string): number | undefined {
      const text = this.getAttribute(name);
      return text === null ? undefined : numberOf(text);
    }

    #dispatch<Name extends keyof PreviewEvents>(name: Name, detail: PreviewEvents[Name]): void {
      this.dispatchEvent(new CustomEvent(name, { detail }));
    }

    /** Sets a property again that was set before the element was defined: it hides the class's. */
    #upgrade(name: string): void {
      if (!Object.keys(this).includes(name)) return;
      const own = this as unknown as Record<string, unknown>;
      const value = own[name];
      delete own[name];
      own[name] = value;
    }
  }

  for (const name of ATTRIBUTES) {
    const read = (text: string) => (NUMBERS.includes(name) ? numberOf(text) : text);
    Object.defineProperty(TaesdPreview.prototype, name, {
      get(this: HTMLElement) {
        const text = this.getAttribute(name);
        if (name === DOWNLOAD) return text !== null;
        return text === null ? undefined : read(text);
      },
      set(this: HTMLElement, value: unknown) {
        if (name === DOWNLOAD) this.toggleAttribute(name, Boolean(value));
        else if (value === undefined || value === null) this.removeAttribute(name);
        else this.setAttribute(name, textOf(value));
      },
    });
  }
  return TaesdPreview as unknown as OurClass;
}
