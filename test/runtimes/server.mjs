// A plain static server under a strict policy; pages, and workerd, send back what they found.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

/**
 * What a careful site allows: its own files, and compiling WebAssembly. Nothing inline, no eval, no
 * blobs; no header makes the page cross-origin isolated. What the browser blocks, in workers too,
 * it reports.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self'",
  // For the icon that Firefox asks for.
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  'report-uri /violation',
].join('; ');

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/**
 * @param folders  path's beginning → folder; the longest that fits counts
 * @returns { port, result, violations, close }: `result` gives what was posted to /result
 */
export async function serve(folders) {
  const violations = [];
  let tell;
  const result = new Promise((resolve) => {
    tell = resolve;
  });
  const server = createServer(async (request, response) => {
    response.setHeader('content-security-policy', POLICY);
    const { pathname } = new URL(request.url, 'http://host');
    if (pathname === '/clock') response.end(String(performance.now()));
    else if (pathname === '/result' || pathname === '/violation') {
      let body = '';
      for await (const piece of request.setEncoding('utf8')) body += piece;
      if (pathname === '/result') tell(JSON.parse(body));
      else violations.push(violation(JSON.parse(body)));
      response.writeHead(204).end();
    } else {
      const bytes = fileAt(folders, pathname);
      response.setHeader('content-type', TYPES[extname(pathname)] ?? 'application/octet-stream');
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    port: server.address().port,
    result,
    violations,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Which rule was broken by what, such as `script-src eval`. */
function violation({ 'csp-report': report }) {
  const rule = report['effective-directive'] ?? report['violated-directive'];
  return `${rule} ${report['blocked-uri']}`;
}

function fileAt(folders, pathname) {
  const inside = normalize(decodeURIComponent(pathname));
  const fits = Object.keys(folders).filter((start) => inside.startsWith(start));
  const [start] = fits.sort((a, b) => b.length - a.length);
  if (start === undefined || inside.includes('..')) return undefined;
  try {
    return readFileSync(join(folders[start], inside.slice(start.length)));
  } catch {
    return undefined;
  }
}
