/*
 * Stands in for `platform/address-space.ts` in the files that hold the whole package: pages have no
 * such limit.
 */

export const addressSpaceLimit = (): number => Infinity;
