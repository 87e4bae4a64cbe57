import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkProse, EXCEPTIONS } from '../scripts/check-prose.mjs';

const SCRIPT = fileURLToPath(new URL('../scripts/check-prose.mjs', import.meta.url));
const LONG = 'long '.repeat(21);

/** The offences of a text: `line rule`. */
const offencesOf = (source: string, file?: string) =>
  checkProse(source, file).map(({ line, rule }) => `${line} ${rule}`);

describe('check-prose: a sample that breaks a rule → its line', () => {
  const broken: [string, string, string[]][] = [
    ['a line comment over 100 columns', `f();\n// ${LONG}`, ['2 columns']],
    ['a line of a block comment', `/*\n * short\n * ${LONG}\n */`, ['3 columns']],
    ['a comment behind code', `f(); // ${LONG}`, ['1 columns']],
    ['What', '// What a thing is.', ['1 opener']],
    ['Where', '/** Where a thing is. */', ['1 opener']],
    ['Who', '/* Who does it. */', ['1 opener']],
    ['Whoever', '// Whoever does it.', ['1 opener']],
    ['Whatever', '// Whatever it does.', ['1 opener']],
    ['Of', '/**\n * Of a thing, the\n * name.\n */', ['2 opener']],
    ['an opener in lower case', 'f(); // of a thing', ['1 opener']],
    ['a later sentence', '// The name. Of others,\n// nothing.', ['1 opener']],
    ['a sentence on a line of its own', '// The name.\n// What others\n// say.', ['2 opener']],
    ['a second paragraph', '/**\n * The name.\n *\n * Where not.\n */', ['4 opener']],
    ['@returns', '/** @returns what it is */', ['1 opener']],
    ['@returns on the next line', '/**\n * @returns\n * what it is\n */', ['3 opener']],
    ['@param', '/**\n * Reads.\n * @param x  where it is\n */', ['3 opener']],
    ['@param with a type', '/** Reads. @param {{ a: 1 }} [x]  of it */', ['1 opener']],
    ['an item of a list', '/**\n * Either:\n * - what it is\n */', ['3 opener']],
    ['unless said', '/** The number, 6 unless said. */', ['1 unless']],
    ['unless given, on two lines', '// The number, 6 unless\n// given.', ['1 unless']],
    ['unless told', "f('the number, 6 unless told');", ['1 unless']],
    ['in a template literal', `f(\`\${\`a\`} b\n6 unless said\`);`, ['2 unless']],
    ['a name in camel case', 'f(mostBytes);', ['1 most']],
    ['a constant', 'const MOST_BYTES = 1;', ['1 most']],
    ['a private field', 'class A { #mostBytes = 1; }', ['1 most']],
    ['the bare word', 'f({ most: 1 });', ['1 most']],
    ['a name in a template’s expression', `f(\`\${mostBytes}\`);`, ['1 most']],
  ];
  test.each(broken)('%s', (_, source, expected) => {
    expect(offencesOf(source)).toEqual(expected);
  });
});

describe('check-prose: a text that breaks none → nothing', () => {
  const sound: [string, string][] = [
    ['plain comments', '// Reads a file.\n/* Why. */\n/** The rows. @param x  their number */'],
    ['a comment of 100 columns', `// ${'x'.repeat(97)}`],
    ['a long line of code', `f('${LONG}');`],
    ['two slashes in a string', `f('// What ${LONG}');\nf("/* Of it */");`],
    ['a comment in a template literal', `f(\`\n// What ${LONG}\n\`);`],
    ['braces in a template’s expression', `f(\`\${{ a: \`}\` }.a} // What\`);`],
    ['a quote in a regular expression', "f(/['\"`]/); // A quote's end.\nf('// Of it');"],
    ['slashes in a regular expression', 'f(x.replace(/[/]\\/\\/ What/g, 1));'],
    ['a division', 'f(a / b); // The rest: what is left.\nf(b / a);'],
    ['JSX', '<p title="a">don\'t {/* The rest. */} https://What.b/c</p>; // It\'s here.'],
    ['an opener inside of a sentence', '// Reads the rows, of which\n// What is one.'],
    ['a question', '// Reads. What does it cost? Little.'],
    ['a word that begins like an opener', '// Often it is.\n\n// Whole rows.\n\n// Who’s.'],
    ['a word that begins like “most”', 'f(mostly, almost, utmost);'],
  ];
  test.each(sound)('%s', (_, source) => {
    expect(offencesOf(source)).toEqual([]);
  });

  test('outside of src: strings may say anything', () => {
    expect(offencesOf("f('6 unless said');", 'bench/run.mjs')).toEqual([]);
  });

  test('in test: words may begin and name anything; columns count', () => {
    const source = `// What it is, 6 unless said.\nf(mostBytes);\n// ${LONG}`;
    expect(offencesOf(source, 'test/a.test.ts')).toEqual(['3 columns']);
  });
});

test('check-prose: the exceptions → at most ten, each with its reason', () => {
  expect(EXCEPTIONS.length).toBeLessThanOrEqual(10);
  for (const { reason } of EXCEPTIONS) expect(reason).not.toBe('');
});

test('check-prose: a file with an offence → file, line, rule, text; exit 1; a sound one → exit 0', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prose-'));
  try {
    const run = (source: string) => {
      writeFileSync(join(folder, 'a.ts'), source);
      return spawnSync(process.execPath, [SCRIPT, folder], { encoding: 'utf8' });
    };
    const broken = run('f();\n// What it is.\n');
    expect(broken.stdout).toContain('/a.ts:2: opener: // What it is.\n');
    expect(broken.status).toBe(1);
    const sound = run('f();\n// The thing.\n');
    expect([sound.stdout, sound.status]).toEqual(['', 0]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
