import { signal } from '@preact/signals';

/** Counts the changes between light and dark, for what is drawn on a canvas and does not change by itself. */
export const theme = signal(0);

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => theme.value++);

/** A colour of the style sheet. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
