/** A column: its title, and the side that its cells stand on. */
export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** Lines of a table: titles, rows, and, where given, a last row under a rule. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  total?: readonly string[],
): string[] {
  const titles = columns.map(({ title }) => title);
  const all = [titles, ...rows, ...(total === undefined ? [] : [total])];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => row[index].length)));
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

/** `what  says` lines, the second column aligned. */
export function factLines(facts: readonly (readonly [what: string, says: string])[]): string[] {
  const width = Math.max(...facts.map(([what]) => what.length));
  return facts.map(([what, says]) => `${what.padEnd(width)}  ${says}`);
}

const GROUPED = new Intl.NumberFormat('en-US');

/** `1,222,532` */
export const countText = (count: number): string => GROUPED.format(count);
