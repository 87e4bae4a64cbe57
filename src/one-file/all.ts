/*
 * The contents of taesd.all.min.js.
 */
export * from '../formats/index.ts';
export * from '../index.ts';
export * from '../picture/index.ts';
export * from '../png/index.ts';
export * from '../preview/index.ts';
