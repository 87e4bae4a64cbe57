import { testOnDevice } from './on-device.ts';
import { deno, runInDeno } from './run-remotely.ts';

testOnDevice({
  place: 'Deno',
  program: deno,
  run: runInDeno,
  missing: 'no Deno here (npm run test:runtimes installs one)',
});
