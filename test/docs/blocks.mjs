// The blocks of code in the documents. Node runs this file too: test/runtimes reads it.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const SKIPPED = /^(?:node_modules|dist|site|out.*|installed|state|\.git)$/;

/**
 * A block of code in a document, between lines of three backticks.
 *
 * @typedef {object} DocumentBlock
 * @property {string} document  the path in the repository
 * @property {number} line  from 1
 * @property {string} language  the word after the backticks, or ''
 * @property {string} section  the title above
 * @property {string} name  the file that the first line names, or ''
 * @property {string} code
 */

/** Returns the paths of all documents. @returns {string[]} */
export function documents(folder = '') {
  return readdirSync(`${ROOT}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (SKIPPED.test(entry.name)) return [];
    if (entry.isDirectory()) return documents(`${path}/`);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/**
 * Returns the blocks of a document in their order.
 *
 * @param {string} document  the path in the repository
 * @returns {DocumentBlock[]}
 * @throws Error for code that is not between lines of three backticks
 */
export const blocksIn = (document) =>
  blocksOfText(readFileSync(`${ROOT}${document}`, 'utf8'), document);

/**
 * Returns the blocks of a document's text.
 *
 * @param {string} text
 * @param {string} document
 * @returns {DocumentBlock[]}
 */
export function blocksOfText(text, document) {
  const blocks = [];
  let section = '';
  let open;
  const lines = text.split('\n');
  for (const [n, line] of lines.entries()) {
    const at = `${document}:${n + 1}`;
    const [, fence, info] = /^ *(```+|~~~+)(.*)$/.exec(line) ?? [];
    if (open !== undefined) {
      if (fence === '```' && info === '') {
        blocks.push(blockOf(open));
        open = undefined;
      } else open.lines.push(line);
    } else if (fence !== undefined) {
      if (fence !== '```' || !/^\w*$/.test(info)) {
        throw new Error(`${at}: expected three backticks and one word, got ${line}`);
      }
      open = { document, line: n + 1, language: info, section, lines: [] };
    } else if (/^ {4}/.test(line) && lines[n - 1] === '') {
      throw new Error(`${at}: expected code between lines of three backticks, got it indented`);
    } else section = /^#+ (.*)$/.exec(line)?.[1] ?? section;
  }
  if (open === undefined) return blocks;
  throw new Error(`${document}:${open.line}: expected the end of the block, got the document’s`);
}

function blockOf({ lines, ...where }) {
  return { ...where, name: nameIn(lines[0]), code: lines.map((line) => `${line}\n`).join('') };
}

/** Returns the file that code names in its first line, or ''. @param {string} code */
export const nameIn = (code) => /^(?:\/\/|#|<!--) ([\w./-]+\.\w+)/.exec(code)?.[1] ?? '';

/**
 * Returns the code of a document’s block. `every-block.test.ts` finds the blocks that tests run by
 * this call in their text, so its arguments are literals.
 *
 * @param {string} document  the path in the repository
 * @param {string} language  that of the fence
 * @param {string | number} [which]  the name in the block’s first line, the title above it, or its
 *   number among the document’s blocks of the language, from 0. May be left out if there is one
 * @returns {string}
 */
export const documentedCode = (document, language, which) =>
  blockNamed(document, language, which).code;

/**
 * Finds the block whose code `documentedCode` returns.
 *
 * @param {string} document
 * @param {string} language
 * @param {string | number} [which]
 * @returns {DocumentBlock}
 */
export function blockNamed(document, language, which) {
  const all = blocksIn(document).filter((block) => block.language === language);
  const found = all.filter(
    ({ name, section }, n) =>
      which === undefined || which === n || which === name || which === section,
  );
  if (found.length === 1) return found[0];
  const wanted = `${language}${which === undefined ? '' : `, ${which}`}`;
  throw new Error(`${document}: expected one block (${wanted}), got ${found.length}`);
}
