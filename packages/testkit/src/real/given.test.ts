import { afterEach, expect, test, vi } from 'vitest';
import { startKafka } from './kafka/kafka.ts';
import { startS3 } from './s3.ts';
import { startSchemaRegistry } from './schema-registry.ts';

// A server that a variable names is the one that tests get, and it is not theirs to kill.

afterEach(() => vi.unstubAllEnvs());

test('KAFKA_BROKERS', async () => {
  vi.stubEnv('KAFKA_BROKERS', 'one:9092,two:9093');
  await using kafka = await startKafka();
  expect(kafka).toMatchObject({ source: 'given', bootstrap: ['one:9092', 'two:9093'] });
  await expect(kafka.kill9(0)).rejects.toThrow('own: true');
});

test('SCHEMA_REGISTRY_URL', async () => {
  vi.stubEnv('SCHEMA_REGISTRY_URL', 'http://registry:8081');
  await using registry = await startSchemaRegistry();
  expect(registry).toMatchObject({ source: 'given', url: 'http://registry:8081', process: undefined });
  await expect(registry.restart()).rejects.toThrow('ask for `own`');
});

test('S3_ENDPOINT, with what else it takes', async () => {
  vi.stubEnv('S3_ENDPOINT', 'http://s3:9000');
  vi.stubEnv('S3_BUCKET', '');
  expect(() => startS3()).toThrow('S3_ENDPOINT is set and S3_BUCKET is not');
  vi.stubEnv('S3_BUCKET', 'b');
  vi.stubEnv('S3_ACCESS_KEY_ID', 'id');
  vi.stubEnv('S3_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('S3_REGION', '');
  await using s3 = await startS3();
  const given = { bucket: 'b', accessKeyId: 'id', secretAccessKey: 'secret', region: 'us-east-1' };
  expect(s3).toMatchObject({ source: 'given', endpoint: 'http://s3:9000', ...given, folder: undefined });
  await using other = await startS3();
  expect(other.prefix).not.toBe(s3.prefix);
  await expect(s3.restart()).rejects.toThrow('own: true');
});
