import { PROXY_VARIABLES } from './proxy-variables.ts';
import { environmentVariable, isNode } from './runtime.ts';

const HINT =
  '; proxies of the environment are used by npx taesd pull, and here with NODE_USE_ENV_PROXY=1 from Node 24 on';

/**
 * Returns what to do about proxies that the environment names and Node's own `fetch` does not look
 * for; an empty text if there is nothing to do.
 */
export const unusedProxies = (): string =>
  isNode() &&
  !environmentVariable('NODE_USE_ENV_PROXY') &&
  PROXY_VARIABLES['https:'].some((name) => environmentVariable(name))
    ? HINT
    : '';
