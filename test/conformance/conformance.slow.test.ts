import { testConformance } from './in-process.ts';

testConformance('reference');
