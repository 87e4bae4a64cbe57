/**
 * Copies text, also where a page may not use the clipboard: at addresses that are not secure, or in
 * a frame.
 *
 * @throws Error if the browser lets nothing be copied
 */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = document.createElement('textarea');
    field.value = text;
    field.className = 'visually-hidden';
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand('copy');
    field.remove();
    if (!isCopied) throw new Error('This browser lets the page copy nothing.');
  }
}

/** Copies a picture. It is made after the click that asks for it, which browsers want to see. */
export async function copyPng(made: Promise<Blob>): Promise<void> {
  if (typeof ClipboardItem === 'undefined' || navigator.clipboard?.write === undefined) {
    throw new Error('This browser copies no pictures here: download it instead.');
  }
  await navigator.clipboard.write([new ClipboardItem({ 'image/png': made })]);
}
