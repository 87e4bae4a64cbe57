// The tour in plain Node.
import { tour } from './tour.mjs';

console.log(JSON.stringify(await tour(globalThis)));
