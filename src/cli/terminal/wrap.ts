/** Breaks a text into lines between words. Line breaks in the text count as spaces. */
export function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.trim().split(/\s+/)) {
    const longer = `${lines[lines.length - 1]} ${word}`.trimStart();
    if (longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
