import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, TidemarkError } from '@tidemark/base';

// Finds and reads the rule files that the configuration names; `*` in the last part of a path matches names.

export interface RuleFile {
  readonly file: string;
  readonly text: string;
}

/** Sorted by path. Throws `RULES_UNREADABLE`; a pattern that matches nothing is fine, a plain name must be there. */
export async function readRuleFiles(patterns: readonly string[]): Promise<RuleFile[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    for (const path of await expand(pattern)) paths.add(path);
  }
  return Promise.all(
    [...paths].sort().map(async (file) => {
      try {
        return { file, text: await readFile(file, 'utf8') };
      } catch (error) {
        throw new TidemarkError(
          'RULES_UNREADABLE',
          `the rule file ${file} cannot be read: ${messageOf(error)}`,
          { file },
          error,
        );
      }
    }),
  );
}

async function expand(pattern: string): Promise<string[]> {
  if (!pattern.includes('*')) return [pattern];
  const folder = dirname(pattern);
  if (folder.includes('*')) {
    throw new TidemarkError('RULES_UNREADABLE', `${pattern}: \`*\` may stand in the last part of the path only`, {
      pattern,
    });
  }
  const names = await readdir(folder).catch((error: unknown) => {
    throw new TidemarkError(
      'RULES_UNREADABLE',
      `the folder of ${pattern} cannot be read: ${messageOf(error)}`,
      { pattern },
      error,
    );
  });
  const literal = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const wanted = new RegExp(`^${basename(pattern).split('*').map(literal).join('.*')}$`);
  return names.filter((name) => wanted.test(name)).map((name) => join(folder, name));
}
