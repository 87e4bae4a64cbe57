/*
 * The contents of taesd.min.js.
 */
export * from '../index.ts';
export * from '../preview/index.ts';
