import { glob, readFile, stat } from 'node:fs/promises';
import { messageOf, TidemarkError } from '@tidemark/base';

// Finds and reads the rule files that the configuration names; `*`, `?` and `[...]` match names, in folders too.

export interface RuleFile {
  readonly file: string;
  readonly text: string;
}

// What people write by hand, or programs for them; beyond it is another kind of file.
const FILES_MAX = 10_000;
const FILE_BYTES_MAX = 32 * 1024 * 1024;

/** Sorted by path. Throws `RULES_UNREADABLE`; a pattern that matches nothing is fine, a plain name must be there. */
export async function readRuleFiles(patterns: readonly string[]): Promise<RuleFile[]> {
  const paths = await expand(patterns);
  return Promise.all(
    paths.map(async (file) => {
      try {
        const { size } = await stat(file);
        if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${FILE_BYTES_MAX}`);
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

/** Another text when a file may have changed, come or gone. Throws `RULES_UNREADABLE`. */
export async function ruleFilesMark(patterns: readonly string[]): Promise<string> {
  const marks = (await expand(patterns)).map(async (file) => {
    const found = await stat(file).catch(() => undefined);
    return `${file} ${found?.ino} ${found?.size} ${found?.mtimeMs}`;
  });
  return (await Promise.all(marks)).join('\n');
}

async function expand(patterns: readonly string[]): Promise<string[]> {
  const paths = new Set<string>();
  for (const pattern of patterns) {
    if (!/[*?[]/.test(pattern)) paths.add(pattern);
    else for await (const path of glob(pattern)) paths.add(path);
    if (paths.size > FILES_MAX) {
      throw new TidemarkError('RULES_UNREADABLE', `${pattern}: there are more than ${FILES_MAX} rule files`, {
        pattern,
      });
    }
  }
  return [...paths].sort();
}
