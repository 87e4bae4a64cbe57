import type { PlanRules } from '../plan.ts';
import { TILE } from '../tile.ts';

/** With fewer channels than these, transforming them costs more than it saves. */
const WINOGRAD_CHANNELS = 16;

/** The rules of plans for the shaders. */
export const WEBGPU_RULES: PlanRules = {
  tile: () => TILE,
  winograd: ({ kernel, stride, cin, cout }) =>
    kernel === 3 && stride === 1 && Math.min(cin, cout) >= WINOGRAD_CHANNELS,
  upsamples: () => true,
  shuffles: true,
  storesWholeTiles: false,
};
