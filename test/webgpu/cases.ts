import { ALPHA_CASES } from './alpha-cases.ts';
import { API_CASES } from './api-cases.ts';
import { CANVAS_CASES } from './canvas-cases.ts';
import type { ApiCase } from './case-tools.ts';
import { FAULT_CASES } from './fault-cases.ts';
import { LATENTS_CASES } from './latents-cases.ts';
import { MODEL_CASES } from './model-cases.ts';
import { NETWORK_CASES } from './network-cases.ts';
import { POOL_CASES } from './pool-cases.ts';
import { TUNING_CASES } from './tuning-cases.ts';

/** What callers see of WebGPU, on whatever adapter there is. */
export const GPU_CASES: readonly ApiCase[] = [
  ...API_CASES,
  ...LATENTS_CASES,
  ...CANVAS_CASES,
  ...FAULT_CASES,
  ...POOL_CASES,
  ...NETWORK_CASES,
  ...TUNING_CASES,
  ...ALPHA_CASES,
  ...MODEL_CASES,
];

/**
 * Returns true for a case that is wanted.
 *
 * @param wanted  parts of names, with `|` between; empty for all
 */
export const isWanted = (name: string, wanted: string): boolean =>
  wanted.split('|').some((part) => name.includes(part));
