import { encodePng } from 'taesd-wasm/png';
import { cellColour } from '../drawing/colour-map.ts';
import type { Window } from '../engine/protocol.ts';
import { fixed } from '../text/measured.ts';
import { otherChannels, type WrittenSum } from './sum-text.ts';

/*
 * The figure of a sum as a file of its own: maps with the frame, window × weights = products, and
 * the equation. Everything is inside of the file, so that it looks alike wherever it is opened.
 */

/** A map or a picture as pixels, RGBA. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export interface FigureMap {
  readonly pixels: Pixels;
  /** The rectangle that is framed, in pixels of the map. */
  readonly frame: {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
  };
  /** A line below it. */
  readonly caption: string;
}

export interface FigureParts {
  readonly sum: WrittenSum;
  readonly title: string;
  /** The name of an input channel, such as "red". Defaults to "channel 3". */
  readonly nameOf?: ((channel: number) => string) | undefined;
  readonly input?: FigureMap | undefined;
  readonly output?: FigureMap | undefined;
}

/** Channels that are written out: those that count most. */
const MAX_ROWS = 4;
const INK = '#1d1e20';
const MUTED = '#5c5f66';
const LINE = '#dcd7cd';
const PAPER = '#faf8f4';
const SANS = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';
const MONO = 'ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace';

const MARGIN = 24;
const MAP = 280;
const CELL = { width: 40, height: 26 };
const NAME = 84;
const OPERATOR = 26;
const SUBTOTAL = 84;

/** Returns the figure as a standalone SVG file. */
export function svgOf({ sum, title, nameOf, input, output }: FigureParts): string {
  const bySize = [...sum.windows].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const isAll = bySize.length <= MAX_ROWS;
  const shown = isAll ? sum.windows : bySize.slice(0, MAX_ROWS);
  const others = bySize.slice(shown.length);
  const name = nameOf ?? ((channel: number) => `channel ${channel}`);
  const side = sideOf(shown[0]);
  const top = MARGIN + 40;
  const tableLeft = MARGIN + (input === undefined ? 0 : MAP + MARGIN);
  const tableWidth = NAME + 3 * side * CELL.width + 2 * OPERATOR + SUBTOTAL;
  const rowHeight = side * CELL.height + 14;
  const equationTop = top + shown.length * rowHeight + 12;
  const lines = equationLines(sum, shown, others);
  const width = tableLeft + tableWidth + MARGIN + (output === undefined ? 0 : MAP + MARGIN);
  const below = (map: FigureMap | undefined) => (map === undefined ? 0 : mapHeight(map) + 30);
  const mapsEnd = top + Math.max(below(input), below(output));
  const height = Math.max(mapsEnd, equationTop + lines.length * 22) + MARGIN;
  const scales = scalesOf(shown);
  const outputLeft = tableLeft + tableWidth + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${SANS}" font-size="14">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${PAPER}"/>`,
    text(MARGIN, MARGIN + 16, title, { size: 20 }),
    input === undefined ? '' : mapOf(input, MARGIN, top),
    ...shown.map((window, n) =>
      rowOf({ window, name: name(window.channel), scales }, tableLeft, top + n * rowHeight),
    ),
    ...lines.map(([term, number], n) =>
      equationLine(term, number, { x: tableLeft, y: equationTop + n * 22, width: tableWidth }),
    ),
    output === undefined ? '' : mapOf(output, outputLeft, top),
    '</svg>',
    '',
  ]
    .filter((line, n, all) => line !== '' || n === all.length - 1)
    .join('\n');
}

type Line = readonly [term: string, number: number];

function equationLines(
  { sum, windows, bias, skip, beforeRelu, value }: WrittenSum,
  shown: readonly Window[],
  others: readonly Window[],
): Line[] {
  const rest = others.reduce((total, window) => total + window.sum, 0);
  const more: Line[] = others.length === 0 ? [] : [[otherChannels(others.length), rest]];
  const total: Line[] = windows.length === 1 && shown.length === 1 ? [] : [['Σ of all', sum]];
  return [
    ...more,
    ...total,
    ['+ bias', bias],
    ...(skip === undefined ? [] : ([['+ skip connection', skip]] as Line[])),
    ...(beforeRelu === undefined ? [] : ([['= before the ReLU', beforeRelu]] as Line[])),
    [beforeRelu === undefined ? '=' : 'max(that, 0) =', value],
  ];
}

function equationLine(term: string, number: number, at: { x: number; y: number; width: number }) {
  const { x, y, width } = at;
  const right = x + width;
  return [
    text(x, y + 16, term, { fill: MUTED }),
    text(right, y + 16, fixed(number, 3), { family: MONO, anchor: 'end', size: 15 }),
  ].join('\n');
}

interface Row {
  readonly window: Window;
  readonly name: string;
  readonly scales: Readonly<Record<'value' | 'weight' | 'product', number>>;
}

function rowOf({ window, name, scales }: Row, x: number, y: number): string {
  const side = sideOf(window);
  const gridWidth = side * CELL.width;
  const middle = y + (side * CELL.height) / 2 + 5;
  const [values, weights] = [x + NAME, x + NAME + gridWidth + OPERATOR];
  const products = weights + gridWidth + OPERATOR;
  return [
    text(x, middle, name, { size: 13 }),
    grid(window, 'value', { x: values, y, scale: scales.value }),
    text(weights - OPERATOR / 2, middle, '×', { anchor: 'middle' }),
    grid(window, 'weight', { x: weights, y, scale: scales.weight }),
    text(products - OPERATOR / 2, middle, '=', { anchor: 'middle' }),
    grid(window, 'product', { x: products, y, scale: scales.product }),
    text(products + gridWidth + SUBTOTAL, middle, fixed(window.sum, 3), {
      ...{ family: MONO, anchor: 'end', size: 15 },
    }),
  ].join('\n');
}

function grid(
  window: Window,
  what: 'value' | 'weight' | 'product',
  { x, y, scale }: { x: number; y: number; scale: number },
): string {
  const side = sideOf(window);
  return window.products
    .map((product, n) => {
      const number = product[what];
      const { colour, isBright } = cellColour(number, scale);
      const left = x + (n % side) * CELL.width;
      const top = y + Math.floor(n / side) * CELL.height;
      const rect = `<rect x="${left}" y="${top}" width="${CELL.width - 1}" height="${CELL.height - 1}" rx="2" fill="${colour}"/>`;
      const fill = isBright ? '#000' : '#fff';
      const [middle, line] = [left + (CELL.width - 1) / 2, top + CELL.height / 2 + 4];
      return (
        rect +
        text(middle, line, cellText(number), {
          ...{ family: MONO, anchor: 'middle', size: 12, fill },
        })
      );
    })
    .join('\n');
}

/** Returns a number in a cell of five characters: ".16", "−.04", "1.00", "−12.3". */
export function cellText(value: number): string {
  const size = Math.abs(value);
  return fixed(value, size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2).replace(/^(−?)0\./, '$1.');
}

function scalesOf(windows: readonly Window[]): Row['scales'] {
  const largest = (what: 'value' | 'weight' | 'product') =>
    windows.reduce(
      (largest, { products }) =>
        products.reduce((own, p) => Math.max(own, Math.abs(p[what])), largest),
      0,
    );
  return { value: largest('value'), weight: largest('weight'), product: largest('product') };
}

const sideOf = ({ products }: Window): number => Math.round(Math.sqrt(products.length));

const mapHeight = ({ pixels: { width, height } }: FigureMap): number =>
  Math.min((MAP * height) / width, 2 * MAP);

function mapOf(map: FigureMap, x: number, y: number): string {
  const { pixels, frame, caption } = map;
  const height = mapHeight(map);
  const scale = height / pixels.height;
  const width = pixels.width * scale;
  const [left, top] = [x + frame.x * scale, y + frame.y * scale];
  const size = `width="${frame.width * scale}" height="${frame.height * scale}"`;
  const at = `x="${left}" y="${top}" ${size} fill="none"`;
  return [
    `<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${pngAddress(pixels)}"/>`,
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="${LINE}"/>`,
    // White within black: one of the two can be seen on any colour.
    `<rect ${at} stroke="#000" stroke-width="4"/>`,
    `<rect ${at} stroke="#fff" stroke-width="1.5"/>`,
    text(x, y + height + 20, caption, { size: 13, fill: MUTED }),
  ].join('\n');
}

interface TextStyle {
  readonly size?: number;
  readonly fill?: string;
  readonly family?: string;
  readonly anchor?: 'middle' | 'end';
}

function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size, fill = INK, family, anchor } = style;
  const attributes = [
    `x="${x}" y="${y}" fill="${fill}"`,
    size === undefined ? '' : `font-size="${size}"`,
    family === undefined ? '' : `font-family="${family}"`,
    anchor === undefined ? '' : `text-anchor="${anchor}"`,
  ];
  return `<text ${attributes.filter(Boolean).join(' ')}>${escaped(content)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Returns text for XML. Control characters, which XML does not allow, are left out. */
const escaped = (content: string): string =>
  [...content]
    .filter((letter) => letter >= ' ' || letter === '\t' || letter === '\n')
    .map((letter) => ENTITIES[letter] ?? letter)
    .join('');

/** Returns pixels as the address of a PNG: `data:image/png;base64,…`. */
export function pngAddress(pixels: Pixels): string {
  let binary = '';
  for (const byte of encodePng(pixels)) binary += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(binary)}`;
}

/**
 * Draws a figure as PNG, in the browser.
 *
 * @param source  an SVG file as text with `width` and `height`, or a canvas as it is
 * @param scale   pixels of the PNG for one of the source. Defaults to 2.
 * @throws Error if the browser cannot draw the figure or make a PNG
 */
export async function pngOf(source: string | HTMLCanvasElement, scale = 2): Promise<Blob> {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no canvas to draw on');
  if (typeof source === 'string') {
    const image = await imageOf(source);
    canvas.width = Math.round(image.naturalWidth * scale);
    canvas.height = Math.round(image.naturalHeight * scale);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
  } else {
    canvas.width = Math.round(source.width * scale);
    canvas.height = Math.round(source.height * scale);
    // A number of a map stays a square.
    context.imageSmoothingEnabled = false;
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
  }
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
  if (blob === null) throw new Error('this browser made no PNG of the figure');
  return blob;
}

async function imageOf(svg: string): Promise<HTMLImageElement> {
  const address = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(address);
  }
}
