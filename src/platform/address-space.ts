import { isNodeLike } from './runtime.ts';

/**
 * Returns the limit of this process's address space in bytes (`ulimit -v`), as Linux reports it.
 * Returns Infinity if there is none, or if it is not known.
 */
export function addressSpaceLimit(): number {
  if (!isNodeLike()) return Infinity;
  try {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    const [, bytes] = /^Max address space +(\d+)/m.exec(readFileSync(LIMITS, 'utf8')) ?? [];
    return bytes === undefined ? Infinity : Number(bytes);
  } catch {
    // Another system, or Node's permission model.
    return Infinity;
  }
}

const LIMITS = '/proc/self/limits';
