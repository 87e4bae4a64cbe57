/*
 * The contents of taesd-preview.min.js, which also defines `<taesd-preview>` when it is loaded.
 */
export * from '../element/index.ts';
export * from '../index.ts';
