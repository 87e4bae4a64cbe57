/*
 * Stands in for `platform/system-errors.ts` in the files that hold the whole package. They write no
 * files. In Deno they read some, and only a missing file needs to be told from other errors.
 */

export { messageOf as systemReason } from '../errors.ts';
export { isMissing } from '../platform/system-errors.ts';
