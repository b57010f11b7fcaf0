import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

// The README lists the cases of the conformance suite; a list that differs from the suite fails here, and the failure shows
// the list as it should be.

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

const suite = read('../src/conformance/suite.ts');

/** The titles of all tests in a source, in order. */
function titlesIn(source: string): string[] {
  return [...source.matchAll(/\btest\(\s*'((?:[^'\\]|\\.)+)'/g)].map(([, title]) =>
    (title as string).replaceAll("\\'", "'"),
  );
}

/** Part by part, as suite.ts runs them: the cases of a part are in suite.ts itself, or in the file it comes from. */
function casesOfSuite(): string {
  const parts = [...suite.matchAll(/describe\('([^']+)', \(\) => (\w+)\(bench\)\)/g)];
  expect(parts.length).toBeGreaterThan(7);
  const lines = parts.flatMap(([, part, name]) => {
    const file = new RegExp(`import \\{ ${name} \\} from '\\./([\\w-]+\\.ts)'`).exec(suite)?.[1];
    const own = new RegExp(`function ${name}\\([\\s\\S]*?\\n}\\n`).exec(suite)?.[0] ?? '';
    const titles = titlesIn(file === undefined ? own : read(`../src/conformance/${file}`));
    expect(titles.length, part).toBeGreaterThan(3);
    return ['', `*${part}*`, '', ...titles.map((title) => `- ${title}`)];
  });
  return `${lines.slice(1).join('\n')}\n`;
}

test('the README lists the cases of the conformance suite, all of them and no others', () => {
  const listed = /<!-- conformance -->\n([\s\S]*?)<!-- \/conformance -->/.exec(read('../README.md'))?.[1];
  expect(listed).toBe(casesOfSuite());
});
