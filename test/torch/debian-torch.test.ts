import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isLegacyTorch, isTorch } from '../../src/torch/first-bytes.ts';
import { readTorch } from '../../src/torch/read-torch.ts';
import { tensorsOf } from '../../src/torch/tensors-of.ts';
import { thrownBy } from '../thrown-by.ts';
import { elementsOf } from './elements-of.ts';

/** Debian's `python3-torch`. */
const PYTHON = '/usr/bin/python3';
const ABSENT = `torch is not installed for ${PYTHON} (Debian: apt install python3-torch)`;

/** Writes files into the folder of argv, and prints the numbers of each, row-major. */
const WRITE = `
import collections, json, sys, torch
folder = sys.argv[1]
torch.manual_seed(14)
numbers = torch.rand(2, 4, 3, 5)
files = {
    'bare.pt': numbers[0],
    'samples.pt': {'samples': numbers},
    'f16.pth': {'a': numbers.half(), 'b': [numbers.bfloat16(), (numbers.double(), None, 1.5)]},
    'views.bin': {'t': numbers.transpose(1, 3), 's': numbers[1, 1:3, ::2], 'e': numbers[:1, :1].expand(3, 2, 3, 5),
                  'c': numbers.contiguous(memory_format=torch.channels_last), 'd': numbers[0, 0].diagonal()},
    'module.pth': torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).state_dict(),
    'parameter.pt': {'p': torch.nn.Parameter(numbers)},
    'checkpoint.ckpt': {'state_dict': collections.OrderedDict(w=numbers), 'epoch': 3, 'name': 'x', 'betas': (0.9, 0.999)},
}
found = {}
def walk(value, path, out):
    if isinstance(value, torch.Tensor):
        if value.is_floating_point():
            out.append({'path': path, 'shape': list(value.shape), 'values': value.detach().double().flatten().tolist()})
    elif isinstance(value, dict):
        for key in value: walk(value[key], path + [key], out)
    elif isinstance(value, (list, tuple)):
        for key in range(len(value)): walk(value[key], path + [key], out)
for name, value in files.items():
    for protocol in (2, 4):
        file = '%d-%s' % (protocol, name)
        torch.save(value, folder + '/' + file, pickle_protocol=protocol)
        found[file] = []
        walk(value, [], found[file])
torch.save(numbers, folder + '/legacy.pt', _use_new_zipfile_serialization=False)
print(json.dumps(found))
`;

interface Expected {
  readonly path: (string | number)[];
  readonly shape: number[];
  readonly values: number[];
}

// Importing torch takes a second or more, so it is only looked for.
const FIND_TORCH = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)";
const hasTorch = spawnSync(PYTHON, ['-c', FIND_TORCH]).status === 0;

describe('files that torch writes', () => {
  test('bare tensors, dicts, views, modules, checkpoints; protocols 2 and 4 → their numbers', ({
    skip,
  }) => {
    if (!hasTorch) skip(ABSENT);
    const folder = mkdtempSync(join(tmpdir(), 'taesd-torch-'));
    try {
      const { stdout, stderr } = spawnSync(PYTHON, ['-c', WRITE, folder], { encoding: 'utf8' });
      const files: [string, Expected[]][] = Object.entries(JSON.parse(stdout || `"${stderr}"`));
      expect(files).toHaveLength(14);
      for (const [name, tensors] of files) {
        const bytes = new Uint8Array(readFileSync(join(folder, name)));
        expect(isTorch(bytes), name).toBe(true);
        const found = tensorsOf(readTorch(bytes))
          .filter(({ tensor }) => tensor.dtype !== 'I64')
          .map(({ path, tensor }) => ({
            path,
            shape: tensor.shape,
            values: elementsOf(tensor.read()),
          }));
        expect(found, name).toEqual(tensors);
      }
      const legacy = new Uint8Array(readFileSync(join(folder, 'legacy.pt')));
      expect(isLegacyTorch(legacy)).toBe(true);
      expect(thrownBy(() => readTorch(legacy))).toMatchObject({ code: 'UNSUPPORTED' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
