import { firefox } from '../page.ts';
import { testOnDevice } from './on-device.ts';
import { runInBrowser } from './run-remotely.ts';

testOnDevice({
  place: 'Firefox',
  program: firefox,
  run: (wanted) => runInBrowser('firefox', wanted),
  missing: 'no Firefox here',
});
