import type { Step } from '../../index.ts';
import { type Column, countText } from '../terminal/table.ts';
import type { MapRange } from './range.ts';

/** The columns of the table that `taesd steps` prints. */
export const STEP_COLUMNS: readonly Column[] = [
  { title: 'layer', align: 'left' },
  { title: 'taesd.py', align: 'left' },
  { title: 'output', align: 'right' },
  { title: 'parameters', align: 'right' },
  { title: 'multiply-adds', align: 'right' },
  { title: 'ms', align: 'right' },
  { title: 'min', align: 'right' },
  { title: 'max', align: 'right' },
  { title: 'zeros', align: 'right' },
];

/** Returns the cells of one layer. */
export function stepCells(step: Step, { min, max, zeros }: MapRange): string[] {
  const { name, module, shape, parameters, multiplyAdds, elapsedMs } = step;
  return [
    name,
    module,
    shape.slice(1).join('×'),
    countText(parameters),
    countText(multiplyAdds),
    elapsedMs.toFixed(1),
    min.toFixed(3),
    max.toFixed(3),
    `${(100 * zeros).toFixed(1)} %`,
  ];
}
