import { PROXY_VARIABLES } from './proxy-variables.ts';
import { environmentVariable, isNode } from './runtime.ts';

const HINT =
  '; proxies of the environment are used by npx taesd pull, and here with NODE_USE_ENV_PROXY=1 from Node 24 on';

/**
 * Returns a hint for an error's text if the environment names proxies that Node's own `fetch` does
 * not use, otherwise an empty text.
 */
export const unusedProxies = (): string =>
  isNode() &&
  !environmentVariable('NODE_USE_ENV_PROXY') &&
  PROXY_VARIABLES['https:'].some((name) => environmentVariable(name))
    ? HINT
    : '';
