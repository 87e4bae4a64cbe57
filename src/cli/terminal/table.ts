/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** Returns the lines of a table: titles, rows, and `total` as a last row under a rule. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total?: readonly string[],
): string[] {
  const titles = columns.map(({ title }) => title);
  const all = [titles, ...rows, ...(total === undefined ? [] : [total])];
  const widths = columns.map((_, index) => widest(all.map((row) => row[index])));
  const line = (row: readonly string[]) =>
    columns
      .map(({ align }, i) =>
        align === 'left' ? row[i].padEnd(widths[i]) : row[i].padStart(widths[i]),
      )
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  const last = total === undefined ? [] : [rule, line(total)];
  return [line(titles), rule, ...rows.map(line), ...last];
}

/** Returns lines `what  says`, the second column aligned. */
export function factLines(facts: readonly (readonly [what: string, says: string])[]): string[] {
  const width = widest(facts.map(([what]) => what));
  return facts.map(([what, says]) => `${what.padEnd(width)}  ${says}`);
}

/** A file may have more rows than a call may have arguments. */
const widest = (texts: readonly string[]): number =>
  texts.reduce((width, { length }) => Math.max(width, length), 0);

/** Returns `1,222,532` for a whole number. Loading Intl would take 20 ms. */
export const countText = (count: number): string => `${count}`.replace(/\B(?=(\d{3})+$)/g, ',');

/** A file may claim any number of dimensions. */
const MAX_RANK = 8;

/** Returns `[1,4,2,3]`. */
export const shapeText = (shape: readonly number[]): string =>
  `[${shape.slice(0, MAX_RANK).join(',')}${shape.length > MAX_RANK ? ',…' : ''}]`;
