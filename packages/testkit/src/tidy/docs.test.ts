import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { filesOfRepository, repositoryRoot, textOf } from './repository.ts';

// Pages point at things that are there.

const pages = filesOfRepository().filter((path) => path.endsWith('.md'));

test.each(pages)('%s', (page) => {
  expect(linksOf(textOf(page)).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
});

test('links are seen where they are, and not in code', () => {
  const page =
    'See [a](a.md) and ![b](b.png "title").\n\n`[c](c.md)`\n\n```\n[d](d.md)\n```\n\n[e]: <e.md>\n[f](<with space.md>)';
  expect(linksOf(page)).toEqual(['a.md', 'b.png', 'with space.md', 'e.md']);
});

/** Targets of inline links and images, and of link definitions. */
function linksOf(page: string): string[] {
  const prose = page.replace(/^(```|~~~)[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*(?:<([^>\n]+)>|([^)\s]+))[^)\n]*\)/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  const defined = [...prose.matchAll(/^\[[^\]\n]+\]:\s*<?([^\s>]+)/gm)].map((match) => match[1] ?? '');
  return [...inline, ...defined];
}

/** Links to other sites and within the page are not followed. */
function leadsSomewhere(page: string, link: string): boolean {
  if (/^([a-z][a-z+.-]*:|#)/i.test(link)) return true;
  const [path = ''] = link.split(/[#?]/);
  const target = path.startsWith('/') ? path.slice(1) : join(dirname(page), decodeURIComponent(path));
  const inside = normalize(target);
  return !inside.startsWith('..') && existsSync(join(repositoryRoot, inside));
}
