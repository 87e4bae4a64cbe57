import { lstat, readlink, stat } from 'node:fs/promises';
import { dirname, isAbsolute, sep } from 'node:path';
import { expectedGot, fault } from '../terminal/faults.ts';
import { writing } from './not-writable.ts';

/** Linux follows at most this many links. */
const MAX_LINKS = 40;

/**
 * Returns the path of the file that an output goes to. A link to a file is followed, so that it
 * stays a link. A link to nothing is replaced.
 *
 * In a folder that all may write to, such as /tmp, others may plant a link that leads to a file of
 * the user's. So a link is followed only if it belongs to the user or to the owner of its folder.
 * Linux has this rule for /tmp too, but not every host turns it on.
 *
 * @throws TaesdError ARG (a link of another user, or it changes meanwhile)
 */
export async function outputTarget(path: string): Promise<string> {
  if (!(await isThere(path))) return path;
  const write = writing(path);
  let target = path;
  for (let followed = 0; followed < MAX_LINKS; followed++) {
    const link = await write(lstat(target));
    if (!link.isSymbolicLink()) return target;
    const folder = dirname(target);
    if (link.uid !== (await write(stat(folder))).uid && link.uid !== ownId()) throw ofAnother(path);
    const leadsTo = await write(readlink(target));
    // Not `join`, which would take `..` of a linked folder for the folder of the link.
    target = isAbsolute(leadsTo) ? leadsTo : `${folder}${sep}${leadsTo}`;
  }
  return path;
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Returns the effective user id; undefined on Windows, and where Deno refuses to tell it. */
function ownId(): number | undefined {
  try {
    return process.geteuid?.();
  } catch {
    return undefined;
  }
}

function ofAnother(path: string) {
  const hint = 'it may lead to any of your files: name that file itself';
  return fault(path, expectedGot('a file to write', 'a link that another user made'), { hint });
}
