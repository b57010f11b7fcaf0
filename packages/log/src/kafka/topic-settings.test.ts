import { expect, test } from 'vitest';
import type { TopicSpec } from '../log.ts';
import { checkSettings, settingsOf, specOf } from './topic-settings.ts';

const RAW: TopicSpec = { name: 'raw', partitions: 3, compacted: false, retentionMs: 3_600_000 };
const CONFIG: TopicSpec = { name: 'config', partitions: 1, compacted: true, retentionMs: 0 };
const OPTIONS = { batchBytesMax: 1_000_000, minInSyncReplicas: 2, brokers: ['kafka:9092'], namespace: 'tidemark.' };

const check = (spec: TopicSpec, changed: Record<string, string> = {}, partitions = spec.partitions) => {
  const configs = new Map(Object.entries({ ...settingsOf(spec, OPTIONS), ...changed }));
  checkSettings(spec, specOf(spec.name, partitions, configs), configs, OPTIONS);
};

test('what was created as it should be is as it should be, and reads back', () => {
  for (const spec of [RAW, CONFIG]) {
    check(spec);
    expect(specOf(spec.name, spec.partitions, new Map(Object.entries(settingsOf(spec, OPTIONS))))).toEqual(spec);
  }
});

test.each([
  ['more than asked for', { 'retention.ms': '7200000', 'max.message.bytes': '9000000', 'min.insync.replicas': '3' }],
  ['kept for ever', { 'retention.ms': '-1' }],
])('%s is fine', (_, changed) => check(RAW, changed));

test.each([
  [RAW, 'retention.ms', '3599999'],
  [RAW, 'max.message.bytes', '1048588'],
  [RAW, 'min.insync.replicas', '1'],
  [CONFIG, 'cleanup.policy', 'compact,delete'],
  [CONFIG, 'cleanup.policy', 'delete'],
  [RAW, 'cleanup.policy', 'compact'],
])('%o with %s of %s is a mismatch that says how to mend it', (spec, what, found) => {
  expect(() => check(spec, { [what]: found })).toThrow(
    expect.objectContaining({
      code: 'LOG_TOPIC_MISMATCH',
      details: expect.objectContaining({ topic: spec.name, what, found }),
      message: expect.stringMatching(
        `--bootstrap-server kafka:9092 .*--entity-name tidemark.${spec.name} --add-config ${what}=`,
      ),
    }),
  );
});

test('other partitions: the setting to choose as the topic has it comes first, and why no other is possible', () => {
  const data = { ...RAW, partitionsSetting: 'log.partitions' };
  for (const found of [2, 4]) {
    expect(() => check(data, {}, found)).toThrow(
      new RegExp(
        `partitions ${found}, not 3: .*\\. Configure log\\.partitions: ${found}, as the topic has\\. .*their past`,
      ),
    );
    expect(() => check(data, {}, found)).not.toThrow('--alter');
  }
});

test('other partitions of a topic whose count is no setting: only without the topic it can be made', () => {
  expect(() => check(CONFIG, {}, 2)).toThrow(/tidemark\.config has partitions 2, not 1: .*kafka\.namespace/);
});
