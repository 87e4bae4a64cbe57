import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { pipeline, rooms } from '../scripts/drawings.mjs';

const drawn = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');

test('drawings of docs/architecture.md → as scripts/drawings.mjs draws them', () => {
  expect(drawn('pipeline.svg')).toBe(pipeline());
  expect(drawn('rooms.svg')).toBe(rooms());
});

test('rooms: a table of two floors → each room once, on its floor', () => {
  const svg = rooms('| 1 | `a/` | x |\n| 2 | `b`, `c` | y |\n');
  const found = [...svg.matchAll(/>(floor \d|[abc]\/?)</g)].map(([, name]) => name);
  expect(found).toEqual(['floor 1', 'a/', 'floor 2', 'b', 'c']);
});
