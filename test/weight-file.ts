import type { Half } from '../src/model/layers.ts';

/** Returns the name of a real model's file in `../shared/weights`. */
export const weightFile = (model: string, half: Half): string =>
  `${model}_${half}.${model === 'taef2' || model === 'taesana' ? 'pth' : 'safetensors'}`;
