import { JSX } from 'typedoc';

/**
 * A plugin of TypeDoc: a link to the explorer on every page. TypeDoc's own links of the navigation cannot be relative.
 *
 * @param {import('typedoc').Application} app
 */
export function load(app) {
  app.renderer.hooks.on('sidebar.begin', ({ relativeURL }) =>
    JSX.createElement(
      'p',
      null,
      JSX.createElement(
        'a',
        { href: relativeURL('explorer/index.html') },
        'The explorer: inside the network',
      ),
    ),
  );
}
