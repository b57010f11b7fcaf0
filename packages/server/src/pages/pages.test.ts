import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { LEAVES } from '../config/leaves.ts';
import { generatedPages } from './pages.ts';

// Pages made from the code are as the code is. When this fails: `npm run docs`, and look at what changed.

const ROOT = new URL('../../../../', import.meta.url);

test('docs made from the code say what the code says (npm run docs writes them)', { timeout: 60_000 }, async () => {
  const pages = await generatedPages();
  for (const [path, text] of pages) {
    expect(await readFile(new URL(path, ROOT), 'utf8').catch(() => ''), `${path}: run npm run docs`).toBe(text);
  }
  const configuration = pages.get('docs/operating/configuration.md') ?? '';
  for (const { path, variable } of LEAVES) {
    expect(configuration).toContain(`\`${path.join('.')}\``);
    expect(configuration).toContain(`\`${variable}\``);
  }
});
