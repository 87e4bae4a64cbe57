/*
 * Numbers as text: as many digits as say something.
 */

/** A value of a map: four digits, a true minus sign. */
export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  const text =
    size >= 1e-3 && size < 1e5 ? Number(size.toPrecision(3)).toString() : size.toExponential(1);
  return sign(value) + text;
}

/** A value to be compared with another. */
export const exact = (value: number): string =>
  value === 0 ? '0' : sign(value) + Math.abs(value).toFixed(6);

/** A value in a small cell: five characters, three digits after the point at most. */
export function tiny(value: number): string {
  const size = Math.abs(value);
  if (size < 0.0005) return '0';
  const text = size < 0.1 ? size.toFixed(3) : Number(size.toPrecision(2)).toString();
  return sign(value) + text.replace(/^0\./, '.').replace(/^(\.\d\d)0$/, '$1');
}

export const percent = (share: number): string =>
  `${(100 * share).toFixed(share > 0 && share < 0.001 ? 2 : 1)} %`;

export const milliseconds = (ms: number): string =>
  ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;

export const decibels = (value: number): string =>
  Number.isFinite(value) ? `${value.toFixed(2)} dB` : '∞ dB, equal';

/** 1234567 as 1,234,567. The browser's own way there takes it 15 ms to begin with. */
export const whole = (value: number): string => `${value}`.replace(/\B(?=(?:\d{3})+$)/g, ',');

/** 1 234 567 as 1.23 M. */
export function count(value: number): string {
  const [unit, letter] = [
    [1e9, ' G'],
    [1e6, ' M'],
    [1e3, ' k'],
    [1, ''],
  ].find(([least]) => value >= (least as number)) ?? [1, ''];
  return `${Number((value / (unit as number)).toPrecision(3))}${letter}`;
}

/** [1, 64, 32, 32] as 64 × 32 × 32: channels, height, width. */
export const shapeText = (shape: readonly number[]): string => shape.slice(1).join(' × ');

const sign = (value: number): string => (value < 0 ? '−' : '');
