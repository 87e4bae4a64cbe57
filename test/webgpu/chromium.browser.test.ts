import { chromium } from '../page.ts';
import { testOnDevice } from './on-device.ts';
import { runInBrowser } from './run-remotely.ts';

testOnDevice({
  place: 'Chromium',
  program: chromium,
  run: (wanted) => runInBrowser('chromium', wanted),
  missing: 'no Chromium here',
});
