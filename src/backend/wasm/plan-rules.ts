import type { Conv } from '../../model/layers.ts';
import type { PlanRules } from '../plan.ts';
import { COARSE } from '../segment.ts';
import { LARGE_TILE, TILE } from '../tile.ts';
import { GROUP, MAX_CIN } from './layout.ts';
import { isWide } from './workspace.ts';

/** Winograd's kernels take channels in groups of 16, in and out, and at most `MAX_CIN` in. */
export const isWinograd = ({ kernel, cin, cout }: Conv): boolean =>
  kernel === 3 && cin % GROUP === 0 && cin <= MAX_CIN && cout % GROUP === 0;

/** The rules of plans for the kernels. */
export const WASM_RULES: PlanRules = {
  winograd: isWinograd,
  // On small maps, much of the last tiles of 6×6 lies past the edge, and their weights are larger.
  tile: (conv, part) =>
    conv.stride === 1 && !isWide(conv) && part > 1 / COARSE ? LARGE_TILE : TILE,
  upsamples: (conv) => conv.stride === 1 && isWinograd(conv),
  shuffles: false,
  storesWholeTiles: true,
};
