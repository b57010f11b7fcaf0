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
  expect(needsOf({ roles: [...roles], log: { kind: 'embedded' } })).toEqual(needs);
});

test.each<[readonly Role[], boolean]>([
  [['ingest', 'notify'], false],
  [['store'], true],
  [['rollup'], true],
])('with Kafka %j needs a data folder: %s', (roles, dataFolder) => {
  expect(needsOf({ roles: [...roles], log: { kind: 'kafka' } }).dataFolder).toBe(dataFolder);
});

const store = { replicas: 1 };
const onEmbedded = { log: { kind: 'embedded' as const }, kafka: { brokers: [] } };
const elsewhere = ['http://127.0.0.1:1'];

test.each<[readonly Role[], readonly string[], RegExp | undefined]>([
  [
    ['query', 'ui'],
    [],
    /roles: query reads what is stored; add store to roles, name processes that store in query.stores/,
  ],
  [['rules', 'notify'], [], /roles: rules reads/],
  [['query', 'rules'], elsewhere, undefined],
  [['store', 'query', 'rules'], [], undefined],
  [['ingest', 'rollup', 'notify'], [], undefined],
])('%j reading of %j: %s', (roles, stores, complaint) => {
  const check = () =>
    checkRoles({ roles: [...roles], query: { stores: [...stores] }, store, rollup: store, ...onEmbedded });
  if (complaint) expect(check).toThrow(complaint);
  else expect(check).not.toThrow();
});

test.each(['store', 'rollup'] as const)('several processes with the role %s do not share an embedded log', (role) => {
  const replicas = { store, rollup: store, [role]: { replicas: 2 } };
  const config = { roles: [role], query: { stores: [] }, ...replicas, ...onEmbedded };
  const complaint = new RegExp(`${role}.replicas: 2 .* embedded log serves one; set log.kind: kafka`);
  expect(() => checkRoles(config)).toThrow(complaint);
  const onKafka = { log: { kind: 'kafka' as const }, kafka: { brokers: ['a:9092'] } };
  expect(() => checkRoles({ ...config, ...onKafka })).not.toThrow();
  expect(() => checkRoles({ ...config, ...onKafka, kafka: { brokers: [] } })).toThrow(/name some in kafka.brokers/);
});
