import { SelfMetrics, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import {
  type FaultyProxy,
  type S3,
  type S3Options as S3ServerOptions,
  startFaultyProxy,
  startS3,
} from '@tidemark/testkit/real';
import { makeS3Metrics, openS3ObjectStore, type S3Location, type S3Options } from '../src/index.ts';

// Stores in a bucket of a real S3 server, with a proxy in front that breaks what networks break. Each has a room of its own.

/** So that a test sees many tries in a second; what is not there to be seen has the time of a busy machine. */
const FAST: Partial<S3Options> = {
  deadlineMs: 30_000,
  requestTimeoutMs: 10_000,
  backoffMs: 5,
  backoffMaxMs: 20,
  awayMs: 50,
};

export class S3World implements AsyncDisposable {
  readonly s3: S3;
  readonly proxy: FaultyProxy;
  #rooms = 0;

  constructor(s3: S3, proxy: FaultyProxy) {
    this.s3 = s3;
    this.proxy = proxy;
  }

  /** What keys of the store that was opened last begin with. */
  get prefix(): string {
    return `${this.s3.prefix}/room-${this.#rooms}`;
  }

  async open(location: Partial<S3Location> = {}, options: Partial<S3Options> = {}) {
    const metrics = new SelfMetrics();
    const { bucket, region, accessKeyId, secretAccessKey } = this.s3;
    this.#rooms++;
    const store = await openS3ObjectStore({
      location: {
        bucket,
        prefix: this.prefix,
        endpoint: this.proxy.url,
        region,
        pathStyle: true,
        credentials: { accessKeyId, secretAccessKey },
        ...location,
      },
      clock: systemClock,
      random: seededRandom(this.#rooms),
      logger: silentLogger,
      metrics: makeS3Metrics(metrics),
      options: { ...FAST, ...options },
    });
    const counted = (line: string) => Number(new RegExp(`^${line} (\\d+)`, 'm').exec(metrics.expose())?.[1] ?? 0);
    return { store, counted, metrics };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]();
    await this.s3.stop();
  }
}

export async function startS3World(options: S3ServerOptions = {}): Promise<S3World> {
  const s3 = await startS3(options);
  return new S3World(s3, await startFaultyProxy(s3.endpoint));
}

export const failing = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing failed',
    (error: unknown) => error,
  );
export const bytesOf = (length: number, seed = 1) => seededRandom(seed).bytes(length);
