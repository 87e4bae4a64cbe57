// Tells comments, strings and code of a JavaScript or TypeScript file apart, JSX included.

/** Words after which a slash begins a regular expression, not a division. */
const BEFORE_REGEX =
  /(?:^|[=([{,;:!&|?+\-*%~^>]|\b(?:return|typeof|case|in|of|await|yield|throw))$/;
const WINDOW = 12;

/**
 * Splits a file into its texts.
 *
 * @param {string} source
 * @returns {{ comments: Piece[], strings: Piece[], code: string }} `code` is the source with spaces
 *   in place of everything else, line breaks kept
 *
 * @typedef {{ start: number, end: number }} Piece  offsets in the source, delimiters included;
 *   a template literal gives one piece for each part between its `${…}`
 */
export function splitSource(source) {
  const comments = [];
  const strings = [];
  const regexes = [];
  /** The braces open in each `${…}` around the current offset. */
  const braces = [];
  let at = 0;

  while (at < source.length) {
    const pair = source.slice(at, at + 2);
    const character = source[at];
    // `://` outside of a string is an address in JSX text.
    if (pair === '//' && source[at - 1] !== ':') take(comments, endOf('\n', at, source.length));
    else if (pair === '/*') take(comments, endOf('*/', at + 2, source.length) + 2);
    else if (character === "'" || character === '"') takeLine(strings, quotedEnd(source, at));
    else if (character === '`') takeTemplate();
    else if (character === '/' && regexMayFollow()) takeLine(regexes, regexEnd(source, at));
    else if (character === '}' && braces.at(-1) === 0) {
      braces.pop();
      takeTemplate();
    } else {
      if (braces.length > 0 && character === '{') braces[braces.length - 1]++;
      if (braces.length > 0 && character === '}') braces[braces.length - 1]--;
      at++;
    }
  }
  return { comments, strings, code: blanked(source, [...comments, ...strings, ...regexes]) };

  function endOf(delimiter, from, otherwise) {
    const found = source.indexOf(delimiter, from);
    return found === -1 ? otherwise : found;
  }

  function take(pieces, end) {
    pieces.push({ start: at, end: Math.min(end, source.length) });
    at = end;
  }

  /** A quote without its partner on the line is an apostrophe of JSX text. */
  function takeLine(pieces, end) {
    if (end === undefined) at++;
    else take(pieces, end);
  }

  /** From a backtick, or from the brace that ends an expression, to the next of either. */
  function takeTemplate() {
    let end = at + 1;
    while (end < source.length && source[end] !== '`' && source.slice(end, end + 2) !== '${') {
      end += source[end] === '\\' ? 2 : 1;
    }
    if (source[end] === '$') {
      braces.push(0);
      take(strings, end + 2);
    } else take(strings, end + 1);
  }

  function regexMayFollow() {
    let end = at;
    while (/\s/.test(source[end - 1] ?? '') || isComment(end)) end = before(end);
    return BEFORE_REGEX.test(source.slice(Math.max(0, end - WINDOW), end));
  }

  function isComment(end) {
    return comments.at(-1)?.end === end;
  }

  function before(end) {
    return isComment(end) ? comments.at(-1).start : end - 1;
  }
}

/** @returns {number | undefined} undefined if the line ends first */
function quotedEnd(source, start) {
  for (let at = start + 1; at < source.length && source[at] !== '\n'; at++) {
    if (source[at] === '\\') at++;
    else if (source[at] === source[start]) return at + 1;
  }
  return undefined;
}

/** @returns {number | undefined} undefined if the line ends first */
function regexEnd(source, start) {
  let isInClass = false;
  for (let at = start + 1; at < source.length && source[at] !== '\n'; at++) {
    const character = source[at];
    if (character === '\\') at++;
    else if (character === '[') isInClass = true;
    else if (character === ']') isInClass = false;
    else if (character === '/' && !isInClass) return at + 1;
  }
  return undefined;
}

function blanked(source, pieces) {
  let code = '';
  let from = 0;
  for (const { start, end } of pieces.sort((a, b) => a.start - b.start)) {
    code += source.slice(from, start) + source.slice(start, end).replace(/[^\n]/g, ' ');
    from = end;
  }
  return code + source.slice(from);
}
