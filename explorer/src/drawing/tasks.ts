/**
 * Later, when the browser has drawn what there is. A page in the background draws nothing, so it
 * waits for no frame.
 */
export function afterDrawing(work: () => void): void {
  if (document.visibilityState === 'hidden') setTimeout(work);
  else requestAnimationFrame(() => setTimeout(work, 50));
}
