import type { Target } from './target.ts';
import { api } from './targets/api.ts';
import { commandLine } from './targets/command-line.ts';
import { deflate } from './targets/deflate.ts';
import { frame } from './targets/frame.ts';
import { latentPng } from './targets/latent-png.ts';
import { npy, npz } from './targets/npy.ts';
import { png } from './targets/png.ts';
import { safetensors } from './targets/safetensors.ts';
import { torch } from './targets/torch.ts';
import { weights } from './targets/weights.ts';

/** All targets, the parsers of bytes first. */
export const TARGETS: readonly Target[] = [
  png,
  latentPng,
  deflate,
  safetensors,
  npy,
  npz,
  torch,
  frame,
  weights,
  commandLine,
  api,
];

/** @throws TypeError naming the targets */
export function targetNamed(name: string): Target {
  const target = TARGETS.find((one) => one.name === name);
  if (target !== undefined) return target;
  const names = TARGETS.map((one) => one.name).join(', ');
  throw new TypeError(`expected a target (${names}), got ${name}`);
}
