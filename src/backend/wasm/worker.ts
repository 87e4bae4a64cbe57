import { serve } from './serve.ts';

/*
 * The module that a worker is started with.
 */

serve();
