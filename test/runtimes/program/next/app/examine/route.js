import { Taesd } from 'taesd-wasm';
import { examine } from '../../bundled/examine.mjs';

export const dynamic = 'force-dynamic';

export const GET = async () =>
  Response.json(await examine(() => Taesd.load({ model: 'nano', workers: 2 })));
