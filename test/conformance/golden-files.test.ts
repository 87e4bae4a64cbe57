import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VARIANTS } from '../../src/model/variants.ts';
import { SHARED_ABSENT, sharedIsThere, sharedPath } from '../shared.ts';
import { GOLDEN_CASES } from './golden-cases.ts';

/*
 * The golden files that no case of the conformance suite reads, so that no backend runs them: each
 * has its reason.
 */

/** Files that are held against WASM alone. Software adapters and the reference take minutes. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'taesd-astronaut-512x512': 'a large picture: golden.test.ts',
  'taesd-chelsea-451x300': 'a large picture: golden.test.ts',
  'family/taesana-encoder-astronaut-512x512': 'a large picture: wide-models.test.ts',
  'family/taef2-packed-4x3': 'latents that the library unpacks: golden.test.ts',
};

/** Returns why a file does not apply; undefined if it should. */
function reasonOf(file: string): string | undefined {
  if (file in ELSEWHERE) return ELSEWHERE[file];
  const [, model] = /^(?:family\/)?([^-]+)-/.exec(file) ?? [];
  if (!(model in VARIANTS)) return `a video model that is not one of the library's`;
  if (!VARIANTS[model as keyof typeof VARIANTS].isOfVideos) return undefined;
  if (file.includes('-preview-')) return 'a preview of a video that leaves layers out';
  const [, count, pictures] = /-(\d+)(f?)$/.exec(file) ?? [];
  if (!(Number(count) > 1)) return undefined;
  return `a video of ${count} ${pictures ? 'pictures' : 'latents'}, one picture is made at a time`;
}

function filesOf(folder: string): string[] {
  return readdirSync(sharedPath(`golden/${folder}`))
    .filter((name) => name.endsWith('.safetensors'))
    .map((name) => folder + name.replace('.safetensors', ''));
}

test('golden files → a case each, or not applicable with the reason', ({ skip }) => {
  skip(!sharedIsThere, SHARED_ABSENT);
  const files = [...filesOf(''), ...filesOf('family/')];
  const read = GOLDEN_CASES.map(({ golden }) => golden);
  expect(files).toEqual(expect.arrayContaining(read));
  expect(read).toHaveLength(new Set(read).size);
  const rest = files.filter((file) => !read.includes(file));
  const reasons = rest.map((file) => [file, reasonOf(file)] as const);
  expect(reasons.filter(([, reason]) => reason === undefined)).toEqual([]);
  // Those of taew2_1, of other video models, and those that only WASM runs.
  const count = (part: string) => reasons.filter(([, reason]) => reason?.includes(part)).length;
  expect([count(' of a video '), count('a video of '), count('a video model')]).toEqual([3, 8, 10]);
  expect(reasons).toHaveLength(3 + 8 + 10 + Object.keys(ELSEWHERE).length);
  const lines = reasons.map(([file, reason]) => `  ${file}: ${reason}`);
  console.log(`golden files that no backend's suite runs\n${lines.join('\n')}`);
});

test('models → each has a case of both halves', () => {
  const halves = GOLDEN_CASES.filter(({ name }) => /latents and decoded|every layer/.test(name));
  const models = halves.map(({ golden }) => /([^/-]+)-/.exec(golden)?.[1]);
  // FLUX.1.1's layers are those of taef1. The nanos' own tests compare them with the reference.
  const rest = Object.keys(VARIANTS).filter((name) => !models.includes(name));
  expect(rest.sort()).toEqual(['nano', 'nano-flux1', 'nano-sd3', 'nano-sdxl', 'taef1-1.1']);
});
