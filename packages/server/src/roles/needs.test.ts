import { expect, test } from 'vitest';
import { ROLES, type Role } from '../config/schema.ts';
import { checkRoles, needsOf } from './needs.ts';

test.each<[readonly Role[], object]>([
  [[...ROLES], { log: true, dataFolder: true, reads: true, pipeline: true }],
  [['ingest'], { log: true, dataFolder: true, reads: false, pipeline: true }],
  [['repartition'], { log: true, dataFolder: true, reads: false, pipeline: true }],
  [['notify', 'ui'], { log: true, dataFolder: true, reads: false, pipeline: false }],
  [['query'], { log: false, dataFolder: false, reads: true, pipeline: false }],
  [['ui'], { log: false, dataFolder: false, reads: false, pipeline: false }],
])('%j needs %j', (roles, needs) => {
  expect(needsOf({ roles: [...roles] })).toEqual(needs);
});

test.each<[readonly Role[], RegExp | undefined]>([
  [['query', 'ui'], /roles: query reads what the role store .* add store/],
  [['rules', 'notify'], /roles: rules reads/],
  [['store', 'query', 'rules'], undefined],
  [['ingest', 'rollup', 'notify'], undefined],
])('%j: %s', (roles, complaint) => {
  const check = () => checkRoles({ roles: [...roles] });
  if (complaint) expect(check).toThrow(complaint);
  else expect(check).not.toThrow();
});
