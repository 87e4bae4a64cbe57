// A process that pulls the encoder of taesd: node pull-process.mjs MANIFEST.json FOLDER. Prints
// what it did.
import { readFileSync } from 'node:fs';
import { VARIANTS } from '../../dist/index.js';
import { FolderStore } from '../../dist/weights/folder-store.js';
import { pullModel } from '../../dist/weights/pull.js';

const [, , manifestPath, folder] = process.argv;
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
const store = new FolderStore(folder);
try {
  const [{ before, url }] = await pullModel(VARIANTS.taesd, ['encoder'], {
    manifest,
    store,
    onDownload: ({ done }) => process.send?.(done),
  });
  console.log(JSON.stringify({ before, url }));
} catch ({ code, message }) {
  console.log(JSON.stringify({ code, message }));
}
process.disconnect?.();
