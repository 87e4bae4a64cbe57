import { pathToFileURL } from 'node:url';

/**
 * A plugin of esbuild: imports of src/ become those of dist/. Node 20 runs no TypeScript, and users
 * get the files of dist/.
 */
export const srcIsDist = {
  name: 'src is dist',
  setup({ onResolve }) {
    onResolve({ filter: /\/src\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const { href } = new URL(path, pathToFileURL(`${resolveDir}/`));
      const external = href.replace(/\/src\/(?!.*\/src\/)/, '/dist/').replace(/\.ts$/, '.js');
      return { path: external, external: true };
    });
  },
};
