/**
 * Registers the service worker that keeps the page, so that the next visit needs no network. It is
 * fetched after the page has loaded, since the first picture must not wait for it. Does nothing in
 * development, and where a page may have no service worker: plain HTTP, frames in a sandbox.
 */
export function keepForLater(): void {
  if (import.meta.env.DEV) return;
  if (document.readyState === 'complete') void register();
  else addEventListener('load', () => void register(), { once: true });
}

async function register(): Promise<void> {
  try {
    const worker = new URL('offline.js', document.baseURI);
    await navigator.serviceWorker.register(worker, { scope: './', updateViaCache: 'none' });
  } catch {
    // The page works without: it is fetched again at the next visit.
  }
}
