import { expect, test } from 'vitest';
import { cellText, pngAddress, svgOf } from '../../explorer/src/export/figure-file.ts';
import {
  sumAsCsv,
  sumAsLatex,
  sumAsText,
  type WrittenSum,
} from '../../explorer/src/export/sum-text.ts';
import { sumAt } from '../../explorer/src/measure/convolution.ts';
import { decodePng } from '../../src/png/index.ts';
import { randomTensor, seededRandom } from '../random.ts';

/** Returns a sum over so many channels; with a skip connection it is a block's. */
function made(channels: number, skip?: number): WrittenSum {
  const random = seededRandom(channels);
  const planes = { channels, height: 4, width: 5, data: randomTensor(random, [channels, 20]).data };
  const weight = randomTensor(random, [channels, 9]).data;
  const filters = { cin: channels, cout: 1, weight, bias: Float32Array.of(0.25) };
  const view = sumAt(planes, filters, { channel: 0, y: 0, x: 2 });
  const name = 'decoder.8';
  if (skip === undefined) return { ...view, name };
  const beforeRelu = view.value + skip;
  return { ...view, name, skip, beforeRelu, value: Math.max(beforeRelu, 0) };
}

const SUMS = [made(1), made(3), made(4), made(5), made(64), made(3, 1), made(64, -50)];

/** A sum whose numbers can be read in the texts. */
const SMALL: WrittenSum = {
  name: 'First convolution',
  position: { channel: 16, y: 92, x: 168 },
  windows: [
    {
      channel: 0,
      products: [{ input: 0, channel: 0, y: 92, x: 168, value: 2, weight: -0.5, product: -1 }],
      sum: -1,
    },
    {
      channel: 1,
      products: [{ input: 0, channel: 1, y: 92, x: 168, value: 10, weight: 0.3, product: 3 }],
      sum: 3,
    },
  ],
  ...{ sum: 2, bias: -0.125, skip: undefined, beforeRelu: undefined, value: 1.875 },
};

test('sum as text → lined up, with true minus signs', () => {
  expect(sumAsText(SMALL)).toBe(
    [
      'First convolution, channel 16, x 168, y 92',
      'window × weights = products',
      '',
      'channel 0: −1.000000',
      '   2.000000  ×  −0.500000  =  −1.000000',
      '',
      'channel 1: 3.000000',
      '  10.000000  ×   0.300000  =   3.000000',
      '',
      'sum of 2 products   2.000000',
      'bias               −0.125000',
      'value               1.875000',
      '',
    ].join('\n'),
  );
});

test('sum as text: windows of nine → three rows of one length each, every channel', () => {
  const lines = sumAsText(made(64, -50)).split('\n');
  const rows = lines.filter((line) => line.startsWith('  '));
  expect(rows.length).toBe(3 * 64);
  expect(new Set(rows.map((row) => [...row].length)).size).toBe(1);
  expect(lines.filter((line) => line.startsWith('before ReLU')).length).toBe(1);
});

test('sum as CSV → a header, products, terms', () => {
  expect(sumAsCsv(SMALL).split('\r\n')).toEqual([
    'input channel,y,x,value,weight,product',
    '0,92,168,2,-0.5,-1',
    '1,92,168,10,0.3,3',
    'sum,,,,,2',
    'bias,,,,,-0.125',
    'value,,,,,1.875',
    '',
  ]);
});

test('sum as CSV: read again → the products add up to sum and value', () => {
  for (const view of SUMS) {
    const rows = sumAsCsv(view)
      .trimEnd()
      .split('\r\n')
      .map((line) => line.split(','));
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([6]));
    const products = rows.filter(([first]) => /^\d+$/.test(first));
    expect(products.length).toBe(9 * view.windows.length);
    const total = products.reduce((sum, [, , , value, weight, product]) => {
      // Of a negative weight in the padding, −0.
      expect(Number(value) * Number(weight) + 0).toBe(Number(product));
      return sum + Number(product);
    }, 0);
    const term = (name: string) => Number(rows.find(([first]) => first === name)?.[5] ?? 0);
    expect(term('sum')).toBeCloseTo(total, 9);
    const all = term('sum') + term('bias') + term('skip');
    expect(term('value')).toBeCloseTo(view.skip === undefined ? all : Math.max(all, 0), 9);
  }
});

test('sum as LaTeX → an align* block', () => {
  expect(sumAsLatex(SMALL)).toBe(
    String.raw`% First convolution, channel 16, x 168, y 92; the sum of all products is 2.000000
% needs \usepackage{amsmath}
\begin{align*}
  s_{0} &= 2.0000 \cdot (-0.5000) = -1.0000 \\
  s_{1} &= 10.0000 \cdot 0.3000 = 3.0000 \\
  b &= -0.1250 && \text{(bias)} \\
  y &= s_{0} + s_{1} + b \\
  &= -1.0000 + 3.0000 - 0.1250 = 1.8750
\end{align*}
`,
  );
});

test('sum as LaTeX: 1 … 64 channels → balanced, at most four written out, no other letters', () => {
  for (const view of SUMS) {
    const text = sumAsLatex(view);
    let depth = 0;
    for (const letter of text) {
      depth += letter === '{' ? 1 : letter === '}' ? -1 : 0;
      expect(depth).toBeGreaterThanOrEqual(0);
    }
    expect(depth).toBe(0);
    expect(text.match(/\(/g)?.length).toBe(text.match(/\)/g)?.length);
    expect(/^[\n -~]*$/.test(text)).toBe(true);
    const sums = text.match(/^ {2}s_\{\d+\} &=/gm) ?? [];
    expect(sums.length).toBe(Math.min(view.windows.length, 4));
    expect(text.includes('the other 60 channels')).toBe(view.windows.length === 64);
    expect(text.includes('(the other channel)')).toBe(view.windows.length === 5);
    // A row of align* has at most one pair of columns and a remark.
    const rows = text.split('\n').filter((line) => line.startsWith('  '));
    for (const row of rows) expect(row.match(/&/g)?.length ?? 0).toBeLessThanOrEqual(3);
    expect(rows.slice(0, -1).every((row) => row.endsWith(' \\\\'))).toBe(true);
  }
});

test('sum as LaTeX: a name with a line break → stays in its comment', () => {
  const text = sumAsLatex({ ...SMALL, name: 'a\n\\evil{' });
  expect(text.split('\n')[0]).toContain('% a \\evil{');
});

/** Reads XML: every element is closed, attributes are quoted, and no letter is left over. */
function elementsOf(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const token = /<(\/?)([\w:-]+)((?: [\w:-]+="[^"<]*")*)(\/?)>|[^<>]+/y;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const found = token.exec(xml);
    if (found === null) throw new Error(`no XML at ${at}: ${xml.slice(at, at + 60)}`);
    const [text, close, name, , empty] = found;
    if (/&(?!(?:amp|lt|gt|quot);)/.test(text)) throw new Error(`a bare & in ${text}`);
    if (name === undefined) continue;
    if (close !== '') expect(open.pop()).toBe(name);
    else names.push(name);
    if (close === '' && empty === '') open.push(name);
  }
  expect(open).toEqual([]);
  return names;
}

function map(width: number, height: number, caption: string) {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  return { pixels: { width, height, data }, frame: { x: 1, y: 0, width: 3, height: 2 }, caption };
}

test('figure as SVG: 1 … 64 channels, with and without maps → well-formed, all cells', () => {
  for (const view of SUMS) {
    for (const maps of [
      {},
      { input: map(5, 4, 'The <picture> & more'), output: map(5, 40, 'Map') },
    ]) {
      const svg = svgOf({ sum: view, title: 'One "number" <0> & its sum', ...maps });
      const names = elementsOf(svg);
      const images = 'input' in maps ? 2 : 0;
      expect(names.filter((name) => name === 'image').length).toBe(images);
      const cells = 27 * Math.min(view.windows.length, 4);
      // A paper, the cells, and three rectangles for each map.
      expect(names.filter((name) => name === 'rect').length).toBe(1 + cells + 3 * images);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  }
});

test('figure as SVG: every part → inside the drawing', () => {
  const svg = svgOf({
    sum: made(64, 1),
    title: 'T',
    input: map(5, 4, 'a'),
    output: map(4, 5, 'b'),
  });
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  for (const [, x, y] of svg.matchAll(/ x="([\d.]+)" y="([\d.]+)"/g)) {
    expect(Number(x)).toBeLessThanOrEqual(Number(width));
    expect(Number(y)).toBeLessThanOrEqual(Number(height));
  }
});

test('figure as SVG → the equation adds up, names are those that are given', () => {
  const view = made(3, 1);
  const nameOf = (channel: number) => ['red', 'green', 'blue'][channel];
  const svg = svgOf({ sum: view, title: 'T', nameOf });
  const texts = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  for (const name of ['red', 'green', 'blue', '+ skip connection', '+ bias']) {
    expect(texts).toContain(name);
  }
  const after = (term: string) => Number(texts[texts.indexOf(term) + 1].replace('−', '-'));
  const before = after('Σ of all') + after('+ bias') + after('+ skip connection');
  expect(after('= before the ReLU')).toBeCloseTo(before, 2);
  expect(after('max(that, 0) =')).toBeCloseTo(Math.max(before, 0), 2);
});

test('pixels as an address → a PNG of them', () => {
  const pixels = { width: 2, height: 1, data: Uint8ClampedArray.from([1, 2, 3, 255, 5, 6, 7, 8]) };
  const address = pngAddress(pixels);
  const start = 'data:image/png;base64,';
  expect(address.startsWith(start)).toBe(true);
  const png = decodePng(Uint8Array.from(Buffer.from(address.slice(start.length), 'base64')));
  expect([...png.data]).toEqual([...pixels.data]);
});

test('numbers in cells → five characters at most', () => {
  const cells = [0.16, -0.04, 1, -12.34, 123.4, -0.001, 99.96, 9.996].map(cellText);
  expect(cells).toEqual(['.16', '−.04', '1.00', '−12.3', '123', '.00', '100', '10.0']);
});
