import { expect, test } from 'vitest';
import { rulesFilter } from './rules-filter.ts';

const filter = (query: string) => {
  const params = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) params.set(name, [...(params.get(name) ?? []), value]);
  return rulesFilter(params);
};

test('every parameter of /api/v1/rules', () => {
  expect(
    filter(
      'type=Alert&rule_name[]=a&rule_name[]=b&rule_group[]=g&file[]=f&exclude_alerts=1&group_limit=2&group_next_token=t&match[]={x="1"}',
    ),
  ).toMatchObject({
    type: 'alert',
    ruleNames: ['a', 'b'],
    groupNames: ['g'],
    files: ['f'],
    excludeAlerts: true,
    groupLimit: 2,
    groupNextToken: 't',
    matcherSets: [[{ name: 'x', value: '1' }]],
  });
  expect(filter('')).toEqual({ excludeAlerts: false, ruleNames: [], groupNames: [], files: [] });
});

test.each([
  ['type=rule', 'must be alert or record'],
  ['group_limit=0', 'must be a whole number above 0'],
  ['group_next_token=x', 'group_limit needs to be present'],
  ['exclude_alerts=perhaps', 'must be true or false'],
  ['match[]={', 'parse error'],
])('%s is refused: %s', (query, why) => {
  expect(() => filter(query)).toThrow(why);
});
