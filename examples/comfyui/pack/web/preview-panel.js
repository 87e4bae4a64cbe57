// A panel above ComfyUI's graph with one picture: it can be moved, enlarged and closed.

const STYLE = `
  :host {
    position: fixed; right: 16px; bottom: 16px; z-index: 1000; display: flex;
    flex-direction: column; max-width: 90vw; max-height: 90vh; color-scheme: light dark;
    background: var(--comfy-menu-bg, Canvas); color: var(--input-text, CanvasText);
    border: 1px solid var(--border-color, GrayText); border-radius: 8px; overflow: hidden;
    font: 13px/1.4 system-ui, sans-serif;
  }
  :host([hidden]) { display: none; }
  header { display: flex; gap: 8px; align-items: center; padding: 4px 8px; cursor: move; }
  output { flex: 1; }
  button { font: inherit; color: inherit; background: none; border: 1px solid currentColor;
    border-radius: 4px; cursor: pointer; }
  .picture { overflow: auto; }
  canvas { display: block; max-width: min(512px, 88vw); max-height: 70vh; }
  .full canvas { max-width: none; max-height: none; }
`;

/** The panel is in the page from the first picture on. */
export class PreviewPanel {
  #host = document.createElement('div');
  #canvas = document.createElement('canvas');
  #words = document.createElement('output');
  #frame = document.createElement('div');
  /** True after a click on Close, until another node begins. */
  #isClosed = false;
  #node;

  constructor() {
    const style = document.createElement('style');
    style.textContent = STYLE;
    const bar = document.createElement('header');
    const size = button('Full size', () => {
      const isFull = this.#frame.classList.toggle('full');
      size.textContent = isFull ? 'Fit' : 'Full size';
    });
    const close = button('Close', () => {
      this.#isClosed = true;
      this.hide();
    });
    bar.append(this.#words, size, close);
    bar.addEventListener('pointerdown', (event) => this.#move(event));
    this.#canvas.setAttribute('role', 'img');
    this.#frame.className = 'picture';
    this.#frame.append(this.#canvas);
    this.#host.setAttribute('role', 'region');
    this.#host.setAttribute('aria-label', 'Preview of the picture being made');
    this.#host.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') close.click();
    });
    this.#host.hidden = true;
    this.#host.attachShadow({ mode: 'open' }).append(style, bar, this.#frame);
  }

  /**
   * Shows a picture, unless the user closed the panel while this node was at work.
   *
   * @param {{ width: number, height: number, data: Uint8ClampedArray }} picture  RGBA
   * @param {{ node: string | null, step?: number, steps?: number }} frame
   */
  show({ width, height, data }, { node, step, steps }) {
    if (node !== this.#node || step === 0) this.#isClosed = false;
    this.#node = node;
    if (this.#isClosed) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0);
    const place = node === null || node === undefined ? [] : [`node ${node}`];
    // Frames count from 0, people from 1.
    const count = `step ${step + 1}${steps === undefined ? '' : ` of ${steps}`}`;
    const words = [...place, count, `${width} × ${height}`].join(', ');
    this.#say(words);
    this.#canvas.setAttribute('aria-label', `Preview: ${words}`);
  }

  /** Says what went wrong. The picture stays. @param {Error} error */
  fail(error) {
    if (!this.#isClosed) this.#say(`No preview: ${error.message}`);
  }

  hide() {
    this.#host.hidden = true;
  }

  #say(words) {
    this.#words.textContent = words;
    this.#host.hidden = false;
    if (!this.#host.isConnected) document.body.append(this.#host);
  }

  /** Moves the panel with the pointer, as long as it is pressed. */
  #move(event) {
    if (event.target.closest('button') !== null) return;
    const { left, top } = this.#host.getBoundingClientRect();
    const [dx, dy] = [event.clientX - left, event.clientY - top];
    const bar = event.currentTarget;
    bar.setPointerCapture(event.pointerId);
    const follow = ({ clientX, clientY }) => {
      const place = { left: `${clientX - dx}px`, top: `${clientY - dy}px` };
      Object.assign(this.#host.style, { ...place, right: 'auto', bottom: 'auto' });
    };
    bar.addEventListener('pointermove', follow);
    bar.addEventListener(
      'lostpointercapture',
      () => bar.removeEventListener('pointermove', follow),
      {
        once: true,
      },
    );
  }
}

function button(words, onClick) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = words;
  made.addEventListener('click', onClick);
  return made;
}
