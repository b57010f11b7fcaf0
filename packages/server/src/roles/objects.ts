import { type Logger, type Random, type SelfMetrics, systemClock, TidemarkError } from '@tidemark/base';
import { makeS3Metrics, type ObjectStore, openFileObjectStore, openS3ObjectStore } from '@tidemark/storage-engine';
import type { Config } from '../config/schema.ts';
import { objectFolderOf, type StoreIdentity, storeName } from './store-identity.ts';

// Where sealed segments lie: a folder, or a bucket. Each store has a room of its own in it, since it writes its own manifests.
//
//   ''                     objects/ in the data folder        /shared/metrics      <folder>/<store>
//   s3://bucket/prefix     <prefix>/<store> in the bucket     one store alone: no <store> part

export interface Objects extends Disposable {
  readonly store: ObjectStore;
  /** For people. */
  readonly shown: string;
  /** Where files are; undefined for a bucket. */
  readonly folder: string | undefined;
  /** What is asked of it for longer than `afterMs`, for people; undefined where nothing is. */
  slow(afterMs: number): string | undefined;
  /** Requests under way are let go, later ones refused. Twice is fine. */
  [Symbol.dispose](): void;
}

export interface ObjectsPlace {
  readonly config: Pick<Config['store'], 'objects' | 's3'>;
  readonly dataFolder: string;
  readonly identity: StoreIdentity;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
  readonly random: Random;
}

const S3 = /^s3:\/\/([^/]+)(?:\/(.*))?$/;

/** Asks nothing of a bucket: one that is away is waited for by whoever needs it. Throws `CONFIG_INVALID`. */
export async function openObjects({ config, dataFolder, identity, ...parts }: ObjectsPlace): Promise<Objects> {
  const { objects, s3 } = config;
  const metrics = makeS3Metrics(parts.metrics);
  const [, bucket, path = ''] = S3.exec(objects) ?? [];
  if (bucket === undefined) {
    const folder = objectFolderOf(objects, dataFolder, identity);
    const nothing = () => undefined;
    return {
      store: await openFileObjectStore(folder),
      shown: folder,
      folder,
      slow: nothing,
      [Symbol.dispose]: nothing,
    };
  }
  const { endpoint, region, pathStyle, timeout: requestTimeoutMs, deadline: deadlineMs } = s3;
  const prefix = [...path.split('/'), storeName(identity)].filter((part) => part !== '').join('/');
  const store = await openS3ObjectStore({
    location: { bucket, prefix, endpoint, region, pathStyle, credentials: credentialsOf(s3) },
    // A network does not run faster with a test's clock.
    clock: systemClock,
    random: parts.random,
    logger: parts.logger,
    metrics,
    options: { requestTimeoutMs, deadlineMs },
  });
  const shown = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const slow = (afterMs: number) => store.slow(afterMs);
  return { store, shown, folder: undefined, slow, [Symbol.dispose]: () => store.close() };
}

function credentialsOf({ accessKeyId, secretAccessKey }: Config['store']['s3']) {
  if (accessKeyId === '' && secretAccessKey === '') return undefined;
  if (accessKeyId !== '' && secretAccessKey !== '') return { accessKeyId, secretAccessKey };
  const missing = accessKeyId === '' ? 'accessKeyId' : 'secretAccessKey';
  throw new TidemarkError(
    'CONFIG_INVALID',
    `store.s3.${missing} is empty and its other half is not: set both, or none to take the credentials from the environment`,
    { missing },
  );
}
