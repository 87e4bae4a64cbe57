import { JSX } from 'typedoc';

/**
 * Adds a link to the explorer to every page. TypeDoc's own navigation links cannot be relative.
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
