// The package under another name, which the configuration keeps out of the bundle.
import { Taesd } from 'taesd-kept-out';
import { examine } from '../../bundled/examine.mjs';

export const dynamic = 'force-dynamic';

export const GET = async () =>
  Response.json(await examine(() => Taesd.load({ model: 'nano', workers: 2 })));
