import { SelfMetrics, seededRandom, silentLogger } from '@tidemark/base';
import { expect, test } from 'vitest';
import { parseConfig } from '../config/load.ts';
import { openObjects } from './objects.ts';
import { ALONE, type StoreIdentity } from './store-identity.ts';

async function shownOf(store: string, identity: StoreIdentity = ALONE): Promise<string> {
  const { config } = parseConfig(`store: { ${store} }`, 'tidemark.yaml', { env: {} });
  using objects = await openObjects({
    config: config.store,
    dataFolder: '/nowhere',
    identity,
    logger: silentLogger,
    metrics: new SelfMetrics(),
    random: seededRandom(1),
  });
  expect(objects.folder).toBeUndefined();
  return objects.shown;
}

test.each([
  ["objects: 's3://metrics'", 's3://metrics'],
  ["objects: 's3://metrics/'", 's3://metrics'],
  ["objects: 's3://metrics/a/b/'", 's3://metrics/a/b'],
])('%s is %s', async (store, shown) => {
  expect(await shownOf(store)).toBe(shown);
});

test('stores that share a bucket have rooms of their own', async () => {
  const store = "objects: 's3://metrics/tidemark'";
  expect(await shownOf(store, { zone: 'a', ordinal: 1, replicas: 2 })).toBe('s3://metrics/tidemark/a-1');
  expect(await shownOf(store, { zone: '', ordinal: 0, replicas: 2 })).toBe('s3://metrics/tidemark/0');
});

test('half of a key is refused with what to do', async () => {
  const half = (setting: string) => shownOf(`objects: 's3://metrics', s3: { ${setting}: x }`);
  await expect(half('accessKeyId')).rejects.toThrow(/store\.s3\.secretAccessKey is empty.*set both, or none/);
  await expect(half('secretAccessKey')).rejects.toThrow(/store\.s3\.accessKeyId is empty.*set both, or none/);
});

test.each(['s3://', 's3:metrics', 's3://Metrics', 's3://m', 's3://-m-/a'])('%s is no place', async (objects) => {
  await expect(shownOf(`objects: '${objects}'`)).rejects.toThrow(
    /must be a folder, s3:\/\/bucket or s3:\/\/bucket\/prefix/,
  );
});
