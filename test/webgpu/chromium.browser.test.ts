import { chromium } from '../page.ts';
import { testOnDevice } from './on-device.ts';
import { runInBrowser } from './run-remotely.ts';

testOnDevice({
  place: 'Chromium',
  program: chromium,
  run: (run) => runInBrowser('chromium', run),
  missing: 'no Chromium here',
});
