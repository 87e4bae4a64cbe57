/*
 * Stands in for `platform/system-errors.ts` in the files that hold the whole package. They write no
 * files, and of those that Deno reads, only a missing one is an answer.
 */

export { messageOf as systemReason } from '../errors.ts';
export { isMissing } from '../platform/system-errors.ts';
