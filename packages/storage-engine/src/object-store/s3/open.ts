import type { Clock, Logger, Random } from '@tidemark/base';
import type { S3Metrics } from './metrics.ts';
import { DEFAULT_S3_OPTIONS, type S3Options } from './options.ts';
import { S3ObjectStore } from './s3-object-store.ts';

export interface S3Location {
  readonly bucket: string;
  /** What keys begin with, `metrics/a-0`: it belongs to this store alone. Empty: the whole bucket. */
  readonly prefix: string;
  /** Empty: AWS' own for the region. */
  readonly endpoint: string;
  readonly region: string;
  /** Buckets in the path instead of the host's name. */
  readonly pathStyle: boolean;
  /** Undefined: what AWS' client finds in the environment, its files, or at the machine's role. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

export interface S3ObjectStoreInit {
  readonly location: S3Location;
  /** Of the machine: a network does not run faster with a test's. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: S3Metrics;
  readonly options?: Partial<S3Options>;
}

/** Asks nothing of S3 yet: what is wrong with it is told by whatever is asked first. Close it before the engine. */
export async function openS3ObjectStore(init: S3ObjectStoreInit): Promise<S3ObjectStore> {
  const { location, options: given, ...parts } = init;
  const options = { ...DEFAULT_S3_OPTIONS, ...given };
  const { AwsS3Requests } = await import('./aws-requests.ts');
  const { bucket, endpoint, region, pathStyle, credentials } = location;
  const requests = new AwsS3Requests({
    bucket,
    endpoint: endpoint === '' ? undefined : endpoint,
    region,
    pathStyle,
    credentials,
    socketsMax: options.requestsMax,
    connectTimeoutMs: options.requestTimeoutMs,
    objectBytesMax: options.objectBytesMax,
  });
  const prefix = location.prefix === '' ? '' : `${location.prefix.replace(/\/+$/, '')}/`;
  return new S3ObjectStore({ ...parts, requests, where: { bucket, endpoint, region }, prefix, options });
}
