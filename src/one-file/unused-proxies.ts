/*
 * Stands in for `platform/unused-proxies.ts` in the files that hold the whole package, which are
 * not for Node.
 */

export const unusedProxies = (): string => '';
