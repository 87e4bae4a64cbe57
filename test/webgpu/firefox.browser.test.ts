import { firefox } from '../page.ts';
import { testOnDevice } from './on-device.ts';
import { runInBrowser } from './run-remotely.ts';

testOnDevice({
  place: 'Firefox',
  program: firefox,
  run: (run) => runInBrowser('firefox', run),
  missing: 'no Firefox here',
});
