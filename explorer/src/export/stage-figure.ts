/*
 * The stage as an SVG file: its maps, frames, charts and captions, where they stand on the page.
 */

const TITLE = 44;
const MARGIN = 16;
const SANS = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';
/** The properties that charts have from style sheets. */
const STYLES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'font-size',
  'font-family',
  'font-weight',
  'text-anchor',
  'dominant-baseline',
];

/**
 * Returns the stage as a standalone SVG file. Buttons and fields are left out.
 *
 * @param title  stands above it
 */
export function stageFigure(stage: HTMLElement, title: string): string {
  const { left, top, width } = stage.getBoundingClientRect();
  const place = (element: Element) => {
    const box = element.getBoundingClientRect();
    const [x, y] = [box.left - left + MARGIN, box.top - top + TITLE];
    return { x, y, width: box.width, height: box.height };
  };
  const elements = [...stage.querySelectorAll('canvas, .frame, svg, figcaption')].filter(
    (element) => element.closest('.loupe') === null && place(element).width > 0,
  );
  const drawn = elements.map((element) => drawnAs(element, place(element)));
  const height = elements.reduce(
    (low, element) => Math.max(low, place(element).y + place(element).height),
    TITLE,
  );
  const { color, backgroundColor } = getComputedStyle(document.body);
  const [w, h] = [Math.round(width + 2 * MARGIN), Math.round(height + MARGIN)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="${SANS}" fill="${color}">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="${backgroundColor}"/>`,
    `<text x="${MARGIN}" y="28" font-size="19">${escaped(title)}</text>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawnAs(element: Element, { x, y, width, height }: Box): string {
  const at = `x="${x}" y="${y}" width="${width}" height="${height}"`;
  if (element.matches('canvas')) {
    const address = (element as HTMLCanvasElement).toDataURL('image/png');
    const { clipPath } = getComputedStyle(element);
    const clip = clipPath === 'none' ? '' : `clip-path:${clipPath};`;
    return `<image ${at} preserveAspectRatio="none" style="${clip}image-rendering:pixelated" href="${address}"/>`;
  }
  if (element.matches('.frame')) {
    const frame = `<rect ${at} fill="none" `;
    return `${frame}stroke="#000" stroke-width="4"/>${frame}stroke="#fff" stroke-width="1.5"/>`;
  }
  if (element.matches('svg')) return chart(element as SVGSVGElement, { x, y, width, height });
  const words = (element.querySelector('b')?.textContent ?? element.textContent ?? '').trim();
  return `<text x="${x}" y="${y + 14}" font-size="13">${escaped(words)}</text>`;
}

/** A chart, with what its style sheet says written into it. */
function chart(svg: SVGSVGElement, { x, y, width, height }: Box): string {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const [from, to] = [
    [svg, ...svg.querySelectorAll('*')],
    [copy, ...copy.querySelectorAll('*')],
  ];
  for (const [n, element] of from.entries()) {
    const style = getComputedStyle(element);
    for (const name of STYLES) to[n].setAttribute(name, style.getPropertyValue(name));
    for (const name of ['class', 'style', 'tabindex']) to[n].removeAttribute(name);
  }
  for (const [name, value] of Object.entries({ x, y, width, height })) {
    copy.setAttribute(name, `${value}`);
  }
  return new XMLSerializer().serializeToString(copy);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const escaped = (text: string): string => text.replace(/[&<>"]/g, (letter) => ENTITIES[letter]);
