/**
 * Node's own modules. They load when they are used and not at import: a bundler may put the files
 * that use them into a bundle that browsers run too.
 */
export const node = {
  get crypto() {
    return process.getBuiltinModule('node:crypto');
  },
  get fs() {
    return process.getBuiltinModule('node:fs/promises');
  },
  get os() {
    return process.getBuiltinModule('node:os');
  },
  get path() {
    return process.getBuiltinModule('node:path');
  },
};
