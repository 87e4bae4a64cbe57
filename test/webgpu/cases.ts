import { ALPHA_CASES } from './alpha-cases.ts';
import { API_CASES } from './api-cases.ts';
import { CANVAS_CASES } from './canvas-cases.ts';
import type { ApiCase } from './case-tools.ts';
import { FAULT_CASES } from './fault-cases.ts';
import { LATENTS_CASES } from './latents-cases.ts';
import { POOL_CASES } from './pool-cases.ts';

/** What callers see of WebGPU, on whatever adapter there is. */
export const GPU_CASES: readonly ApiCase[] = [
  ...API_CASES,
  ...LATENTS_CASES,
  ...CANVAS_CASES,
  ...FAULT_CASES,
  ...POOL_CASES,
  ...ALPHA_CASES,
];
