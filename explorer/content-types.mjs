/** The types of the page's files, by their endings, for servers that show the built page. */
export const CONTENT_TYPES = /** @type {Readonly<Record<string, string>>} */ ({
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.bin': 'application/octet-stream',
});
