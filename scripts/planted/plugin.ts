import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vitest/config';
import { withBug } from './bug.ts';
import { BUGS } from './bugs.ts';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Plants a bug while sources are transformed; the tree stays as it is. What a test starts as a process or a worker of its own reads
 * the tree, and has no bug. Throws where there is no such bug, or its text is not where the list says.
 */
export function plantedBug(name: string): Plugin {
  const bug = BUGS.find((each) => each.name === name);
  if (bug === undefined) throw new Error(`TIDEMARK_PLANT: there is no planted bug ${JSON.stringify(name)}`);
  const path = join(ROOT, bug.file);
  // At once: a run that never loads the file must not pass for one with the bug in it.
  withBug(bug, readFileSync(path, 'utf8'));
  return {
    name: 'tidemark:planted-bug',
    enforce: 'pre',
    transform(source, id) {
      return id.split('?')[0] === path ? { code: withBug(bug, source), map: null } : undefined;
    },
  };
}
