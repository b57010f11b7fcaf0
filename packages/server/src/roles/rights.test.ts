import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfig } from '../config/load.ts';
import { ROLES, type Role } from '../config/schema.ts';
import { rightsOf } from './rights.ts';

const PAGE = readFileSync(new URL('../../../../docs/operating/kafka.md', import.meta.url), 'utf8');

const rights = (roles: readonly Role[], text = '') =>
  rightsOf({ ...parseConfig(`log:\n  kind: kafka\n${text}`, 'x.yaml', { env: {} }).config, roles: [...roles] });

type Uses = Readonly<Record<string, readonly string[]>>;

/** As a cell of the table, without what stands in the line of all. */
function cellOf(uses: Uses, ofAll: Uses): string {
  const own = Object.entries(uses).flatMap(([name, operations]) => {
    const more = operations.filter((operation) => !ofAll[name]?.includes(operation));
    return more.length === 0 ? [] : [{ name, operations: more.join(', ') }];
  });
  const same = [...Map.groupBy(own, ({ operations }) => operations)];
  return same.map(([operations, on]) => `${on.map(({ name }) => `\`${name}\``).join(', ')}: ${operations}`).join('; ');
}

const lineOf = (named: string, { topics, groups }: { topics: string; groups: string }) =>
  `| ${named} | ${topics} | ${groups} | none |`;

test('the page has the rights of all, and beside them those of each role', () => {
  const all = rights([]);
  const lines = new Map<string, Role[]>();
  for (const role of ROLES) {
    if (role === 'query' || role === 'ui') continue;
    const { topics, groups } = rights([role]);
    const cells = lineOf('ROLES', { topics: cellOf(topics, all.topics), groups: cellOf(groups, all.groups) });
    lines.set(cells, [...(lines.get(cells) ?? []), role]);
  }
  const everywhere = `\`tidemark.*\`: Create, Describe, DescribeConfigs; ${cellOf(all.topics, {})}`;
  const wanted = [
    lineOf('all but `query`, `ui`', { topics: everywhere, groups: cellOf(all.groups, {}) }),
    ...[...lines].map(([cells, roles]) => cells.replace('ROLES', roles.map((role) => `\`${role}\``).join(', '))),
  ];
  const found = PAGE.split('\n').filter((line) => /^\|.*\| none \|$/.test(line));
  expect(found).toEqual(wanted);
});

test('query and ui alone ask nothing of brokers but what everyone does', () => {
  expect(rights(['query', 'ui'])).toEqual(rights([]));
});

test('names follow the configuration: prefix, topics of others, registry, which of several stores', () => {
  const { topics, groups } = rights(
    ['repartition', 'store'],
    [
      '  topicPrefix: other',
      'samples:\n  topics:\n    - {topic: theirs, tenant: t}',
      'registry:\n  url: http://registry',
      'store:\n  zone: a\n  ordinal: 1\n  replicas: 2\n',
    ].join('\n'),
  );
  expect(topics['other.raw']).toEqual(['Read', 'Write']);
  expect(topics['theirs']).toEqual(['Describe', 'DescribeConfigs', 'Read']);
  expect(Object.keys(groups)).toEqual(expect.arrayContaining(['writer-schemas', 'storer-a-1']));
});

test('a process of several roles needs what each of them needs', () => {
  const both = rights(['rollup', 'store']);
  expect(both.groups['rollup']).toEqual(['Describe', 'Read']);
  expect(both.topics['tidemark.1m']).toEqual(['Read', 'Write']);
});
