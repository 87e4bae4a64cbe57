// node scripts/check-prose.mjs [PATH…]
// Checks the part of CONTRIBUTING.md's nine rules that a program can check. Prints a line
// `file:line: rule: text` for each offence; exit code 1 if there is one. PATH is a file or a folder
// of this repository; defaults to the folders below. In `test` columns alone are checked.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { splitSource } from './source-text.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['src', 'assembly', 'bench', 'scripts', 'examples', 'test', 'explorer'];
const SOURCE = /\.(?:[mc]?[jt]s|tsx)$/;
/** Installed and built files, and the one that scripts/manifest.mjs makes. */
const IGNORED = /^(?:node_modules|dist|installed|built|out|out-.*|manifest-data\.ts)$/;

/**
 * Lines that may stay as they are: the file, a part of the line, and the reason.
 *
 * @type {{ file: string, line: string, reason: string }[]}
 */
export const EXCEPTIONS = [];
const MAX_EXCEPTIONS = 10;

const MAX_COLUMNS = 100;
const OPENER = "(?:What|Where|Who|Whom|Whose|Whoever|Whatever|Wherever|Of)(?![\\w'’-])";
const FIRST_WORD = new RegExp(`^["“(]?${OPENER}`, 'i');
/** A later sentence of a paragraph. A question may begin with any word. */
const LATER_SENTENCE = new RegExp(`(?<=[.!?]["”)]? )${OPENER}(?![^.]*\\?)`, 'g');
const UNLESS = /\bunless (?:said|given|told)\b/gi;
/** “At most” is text of a page: names have no spaces. */
const MOST = /(?<![\w$]|\b[Aa]t )(?:most(?:[A-Z]\w*)?|MOST_\w*)(?![\w$])/g;

/**
 * Checks one file.
 *
 * @param {string} source  JavaScript or TypeScript
 * @param {string} [file]  its path in the repository; strings are checked in `src` only, and
 *   nothing but columns in `test`
 * @returns {{ line: number, rule: string, text: string }[]} the offences, by line
 */
export function checkProse(source, file = 'src/') {
  const lines = source.split('\n');
  const lineAt = lineCounter(lines);
  const { comments, strings, code } = splitSource(source);
  const columns = longLines(lines, comments, lineAt);
  const words = () => [
    ...commentOffences(paragraphsOf(commentLines(source, comments, lineAt))),
    ...(file.startsWith('src/') ? stringOffences(source, strings, lineAt) : []),
    ...[...code.matchAll(MOST)].map(({ index }) => ({ line: lineAt(index), rule: 'most' })),
  ];
  return [...columns, ...(file.startsWith('test/') ? [] : words())]
    .map(({ line, rule }) => ({ line, rule, text: lines[line - 1].trim() }))
    .filter(({ text }) => !EXCEPTIONS.some((one) => one.file === file && text.includes(one.line)))
    .sort((a, b) => a.line - b.line);
}

/** Returns the function that gives the number of the line at an offset. */
function lineCounter(lines) {
  let next = 0;
  const starts = lines.map((line) => {
    const start = next;
    next += line.length + 1;
    return start;
  });
  return (offset) => {
    const after = starts.findIndex((start) => start > offset);
    return after === -1 ? lines.length : after;
  };
}

/**
 * Returns the lines of all comments without their marks. Adjacent lines that hold nothing but a
 * `//` comment are one block; so is each other comment.
 *
 * @returns {{ line: number, block: number, text: string }[]}
 */
function commentLines(source, comments, lineAt) {
  const found = [];
  let block = 0;
  let previous = { line: -1, isAlone: false };
  for (const { start, end } of comments) {
    const line = lineAt(start);
    const isAlone =
      source.startsWith('//', start) &&
      source.slice(source.lastIndexOf('\n', start) + 1, start).trim() === '';
    const goesOn = isAlone && previous.isAlone && line === previous.line + 1;
    if (!goesOn) block++;
    previous = { line, isAlone };
    const texts = source.slice(start, end).split('\n');
    for (const [n, text] of texts.entries()) {
      const bare = text
        .replace(/^\s*(?:\/\/+|\/\*+!?|\*(?!\/))/, '')
        .replace(/\*+\/$/, '')
        .trim();
      found.push({ line: line + n, block, text: bare });
    }
  }
  return found;
}

/**
 * Joins lines to paragraphs. An empty line, a list item and a tag (`@returns`) each begin a new
 * one. The texts leave out a tag's name and type, and a parameter's name.
 *
 * @returns {{ line: number, text: string }[][]} a paragraph's lines
 */
function paragraphsOf(lines) {
  const paragraphs = [];
  let last = { block: -1, text: '' };
  for (const { line, block, text } of lines) {
    const parts = text.split(/(?<=^|\s)(?=@(?:param|returns?|throws|typedef|property)\b)/);
    for (const [n, part] of parts.entries()) {
      const isTag = part.startsWith('@');
      const isItem = /^[-*•] /.test(part);
      if (n > 0 || isTag || isItem || block !== last.block || last.text === '') paragraphs.push([]);
      const bare = part
        .replace(/^@(?:param|property)\s+(?:\{.*?\}\s+)?(\[.*?\]|\S+)/, '')
        .replace(/^@\w+(?:\s+\{.*?\})?/, '')
        .replace(/^[-*•]\s/, '')
        .trim();
      if (bare !== '') paragraphs.at(-1).push({ line, text: bare });
    }
    last = { block, text };
  }
  return paragraphs.filter((paragraph) => paragraph.length > 0);
}

function commentOffences(paragraphs) {
  return paragraphs.flatMap((paragraph) => {
    const text = paragraph.map((piece) => piece.text).join(' ');
    const at = (offset) => {
      let end = 0;
      return paragraph.find((piece) => {
        end += piece.text.length + 1;
        return offset < end;
      }).line;
    };
    return [
      ...(FIRST_WORD.test(text) ? [{ line: at(0), rule: 'opener' }] : []),
      ...[...text.matchAll(LATER_SENTENCE)].map(({ index }) => ({
        line: at(index),
        rule: 'opener',
      })),
      ...[...text.matchAll(UNLESS)].map(({ index }) => ({ line: at(index), rule: 'unless' })),
    ];
  });
}

/** Lines on which a comment goes past the last column. */
function longLines(lines, comments, lineAt) {
  const numbers = comments.flatMap(({ start, end }) => {
    const [first, last] = [lineAt(start), lineAt(end - 1)];
    return Array.from({ length: last - first + 1 }, (_, n) => first + n);
  });
  return [...new Set(numbers)]
    .filter((line) => [...lines[line - 1]].length > MAX_COLUMNS)
    .map((line) => ({ line, rule: 'columns' }));
}

function stringOffences(source, strings, lineAt) {
  return strings.flatMap(({ start, end }) =>
    [...source.slice(start, end).matchAll(UNLESS)].map(({ index }) => ({
      line: lineAt(start + index),
      rule: 'unless',
    })),
  );
}

function filesIn(path) {
  if (!statSync(path).isDirectory()) return SOURCE.test(path) ? [path] : [];
  return readdirSync(path)
    .filter((name) => !IGNORED.test(name))
    .flatMap((name) => filesIn(join(path, name)));
}

function main(paths) {
  const files = (paths.length > 0 ? paths : FOLDERS.map((name) => join(ROOT, name)))
    .flatMap(filesIn)
    .map((path) => relative(ROOT, path).replaceAll('\\', '/'));
  let count = 0;
  for (const file of files) {
    for (const { line, rule, text } of checkProse(readFileSync(join(ROOT, file), 'utf8'), file)) {
      console.log(`${file}:${line}: ${rule}: ${text}`);
      count++;
    }
  }
  if (EXCEPTIONS.length > MAX_EXCEPTIONS) {
    console.log(`expected at most ${MAX_EXCEPTIONS} exceptions, got ${EXCEPTIONS.length}`);
    count++;
  }
  if (count > 0) console.log(`${count} offences in ${files.length} files`);
  process.exitCode = count > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
