import { testGolden } from './golden-trips.ts';

testGolden('reference');
