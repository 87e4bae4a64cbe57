import type { PixelView, Window } from '../engine/protocol.ts';
import { fixed } from '../text/measured.ts';

/*
 * A sum as a file: text for people, CSV for spreadsheets, LaTeX for papers.
 */

/** The part of a view that is written; the page's own sums have it too. */
export type WrittenSum = Pick<
  PixelView,
  'position' | 'windows' | 'sum' | 'bias' | 'skip' | 'beforeRelu' | 'value'
> & {
  /** The map that the number is of, such as `decoder.8` or "First convolution". */
  readonly name: string;
};

const DECIMALS = 6;
/** LaTeX writes out at most so many channels: those that count most. */
const MAX_WRITTEN = 4;
const DECIMALS_LATEX = 4;

/** Returns a sum as lined-up text with true minus signs, for fonts of one width. */
export function sumAsText(view: WrittenSum): string {
  const { name, position, windows, sum, bias, skip, beforeRelu, value } = view;
  const { channel, y, x } = position;
  const width = widest(windows);
  const terms: [string, number][] = [
    [`sum of ${countProducts(windows)} products`, sum],
    ['bias', bias],
    ...(skip === undefined ? [] : ([['skip connection', skip]] as [string, number][])),
    ...(beforeRelu === undefined ? [] : ([['before ReLU', beforeRelu]] as [string, number][])),
    ['value', value],
  ];
  const label = longest(terms.map(([term]) => term));
  const number = longest(terms.map(([, term]) => fixed(term, DECIMALS)));
  return [
    `${name}, channel ${channel}, x ${x}, y ${y}`,
    'window × weights = products',
    '',
    ...windows.flatMap((window) => [...windowLines(window, width), '']),
    ...terms.map(
      ([term, shown]) => `${term.padEnd(label)}  ${fixed(shown, DECIMALS).padStart(number)}`,
    ),
    '',
  ].join('\n');
}

function windowLines({ channel, products, sum }: Window, width: number): string[] {
  const side = Math.round(Math.sqrt(products.length));
  const rows = Array.from({ length: side }, (_, row) => {
    const own = products.slice(row * side, (row + 1) * side);
    const cells = (pick: (product: Window['products'][number]) => number) =>
      own.map((product) => fixed(pick(product), DECIMALS).padStart(width)).join(' ');
    const isMiddle = row === Math.floor(side / 2);
    const [times, equals] = isMiddle ? ['×', '='] : [' ', ' '];
    return `  ${cells((p) => p.value)}  ${times}  ${cells((p) => p.weight)}  ${equals}  ${cells((p) => p.product)}`;
  });
  return [`channel ${channel}: ${fixed(sum, DECIMALS)}`, ...rows];
}

const longest = (texts: readonly string[]): number =>
  texts.reduce((longest, text) => Math.max(longest, text.length), 0);

const widest = (windows: readonly Window[]): number =>
  longest(
    windows.flatMap(({ products }) =>
      products.flatMap(({ value, weight, product }) =>
        [value, weight, product].map((number) => fixed(number, DECIMALS)),
      ),
    ),
  );

const countProducts = (windows: readonly Window[]): number =>
  windows.reduce((count, { products }) => count + products.length, 0);

/**
 * Returns a sum as CSV (RFC 4180) with all digits: a row for each product, then the sum, the bias,
 * the skip connection, the number before the ReLU, and the value, in the last column. Terms that a
 * sum does not have are left out.
 */
export function sumAsCsv({ windows, sum, bias, skip, beforeRelu, value }: WrittenSum): string {
  const terms: readonly (readonly [string, number | undefined])[] = [
    ['sum', sum],
    ['bias', bias],
    ['skip', skip],
    ['before ReLU', beforeRelu],
    ['value', value],
  ];
  return [
    'input channel,y,x,value,weight,product',
    ...windows.flatMap(({ products }) =>
      products.map((p) => [p.channel, p.y, p.x, p.value, p.weight, p.product].join(',')),
    ),
    ...terms
      .filter(([, number]) => number !== undefined)
      .map(([term, number]) => `${term},,,,,${number}`),
    '',
  ].join('\r\n');
}

/**
 * Returns a sum as an `align*` block of LaTeX's package amsmath. If there are more than
 * four channels, the four that count most are written out, the others are one number.
 */
export function sumAsLatex(view: WrittenSum): string {
  const { name, position, windows, sum, bias, skip, beforeRelu, value } = view;
  const { channel, y, x } = position;
  const isAll = windows.length <= MAX_WRITTEN;
  const bySize = [...windows].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const written = isAll ? windows : bySize.slice(0, MAX_WRITTEN);
  const rest = bySize.slice(written.length);
  const others = rest.reduce((total, window) => total + window.sum, 0);
  const letters = written.map((window, n) => `s_{${isAll ? n : window.channel}}`);
  const symbols = [...letters, ...(isAll ? [] : ['r']), 'b', ...(skip === undefined ? [] : ['k'])];
  const added = [...(isAll ? [] : [others]), bias, ...(skip === undefined ? [] : [skip])];
  const numbers = [...written.map((window) => window.sum), ...added];
  const total = beforeRelu ?? value;
  const left = beforeRelu === undefined ? 'y' : 'a';
  const lines = [
    ...written.flatMap((window, n) => windowLatex(letters[n], window)),
    ...(isAll ? [] : [`r &= ${latex(others)} && \\text{(${otherChannels(rest.length)})}`]),
    `b &= ${latex(bias)} && \\text{(bias)}`,
    ...(skip === undefined ? [] : [`k &= ${latex(skip)} && \\text{(skip connection)}`]),
    `${left} &= ${symbols.join(' + ')}`,
    `&= ${plus(numbers)} = ${latex(total)}`,
    ...(beforeRelu === undefined ? [] : [`y &= \\max(a, 0) = ${latex(value)}`]),
  ];
  return [
    `% ${name.replace(/\s+/g, ' ')}, channel ${channel}, x ${x}, y ${y}; the sum of all products is ${sum.toFixed(DECIMALS)}`,
    '% needs \\usepackage{amsmath}',
    '\\begin{align*}',
    lines.map((line) => `  ${line}`).join(' \\\\\n'),
    '\\end{align*}',
    '',
  ].join('\n');
}

/** Three products a line, so that a line of nine fits on a page. */
function windowLatex(letter: string, { products, sum }: Window): string[] {
  const factor = (value: number) => (value < 0 ? `(${latex(value)})` : latex(value));
  const terms = products.map(({ value, weight }) => `${factor(value)} \\cdot ${factor(weight)}`);
  const side = Math.max(1, Math.round(Math.sqrt(terms.length)));
  const rows = Array.from({ length: Math.ceil(terms.length / side) }, (_, row) =>
    terms.slice(row * side, (row + 1) * side).join(' + '),
  );
  return rows.map((row, n) => {
    const start = n === 0 ? `${letter} &= ` : '&\\quad + ';
    return n === rows.length - 1 ? `${start}${row} = ${latex(sum)}` : `${start}${row}`;
  });
}

/** The name of the channels that are not written out. */
export const otherChannels = (count: number): string =>
  count === 1 ? 'the other channel' : `the other ${count} channels`;

/** A number with LaTeX's own minus. */
const latex = (value: number): string => fixed(value, DECIMALS_LATEX).replace('−', '-');

/** Returns "0.5 - 0.2 + 0.1". */
const plus = (values: readonly number[]): string =>
  values
    .map(latex)
    .map((text, n) => (n === 0 ? text : text.startsWith('-') ? `- ${text.slice(1)}` : `+ ${text}`))
    .join(' ');
