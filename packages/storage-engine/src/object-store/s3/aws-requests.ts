import type { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { faultNamed, faultOf, faultOfHead } from './fault-of.ts';
import {
  type Condition,
  type GotObject,
  type HeadOfObject,
  type Marks,
  S3Fault,
  type S3Requests,
  type Upload,
  type UploadedPart,
  type WriteRequest,
} from './requests.ts';

// Requests by AWS' client. It repeats nothing itself: it neither knows our clock nor which write has happened already. Nobody but
// open.ts imports this file, and only when there is an S3: the client takes 0.2 s of CPU and 37 MB of memory to load.

export interface AwsOptions {
  readonly bucket: string;
  /** Undefined: AWS' own for the region. */
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly pathStyle: boolean;
  /** Undefined: what AWS' client finds in the environment, its files, or at the machine's role. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  readonly socketsMax: number;
  readonly connectTimeoutMs: number;
  readonly objectBytesMax: number;
}

const TOKEN = 'tidemark-write';
const CRC = 'tidemark-crc32c';

export class AwsS3Requests implements S3Requests {
  readonly #client: S3Client;
  readonly #bucket: { readonly Bucket: string };
  readonly #objectBytesMax: number;

  constructor(options: AwsOptions) {
    const { endpoint, region, pathStyle, credentials, socketsMax, connectTimeoutMs } = options;
    this.#bucket = { Bucket: options.bucket };
    this.#objectBytesMax = options.objectBytesMax;
    this.#client = new S3Client({
      region,
      forcePathStyle: pathStyle,
      maxAttempts: 1,
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        // Requests are bounded already: none ever waits for a socket.
        httpAgent: { keepAlive: true, maxSockets: socketsMax },
        httpsAgent: { keepAlive: true, maxSockets: socketsMax },
      },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
    });
  }

  put({ key, bytes, condition, marks }: WriteRequest, signal: AbortSignal): Promise<string> {
    return this.#sorted(signal, async (abortSignal) => {
      const command = new PutObjectCommand({
        ...this.#bucket,
        Key: key,
        Body: bytes,
        ContentLength: bytes.length,
        ChecksumCRC32C: base64Of(marks.crc),
        Metadata: metadataOf(marks),
        ...headersOf(condition),
      });
      return bare((await this.#client.send(command, { abortSignal })).ETag);
    });
  }

  get(key: string, range: { start: number; length: number } | undefined, signal: AbortSignal): Promise<GotObject> {
    return this.#sorted(signal, async (abortSignal) => {
      // The client's own check of the answer would double what it costs: whole objects are held against the mark's checksum.
      const Range = range && `bytes=${range.start}-${range.start + range.length - 1}`;
      const command = new GetObjectCommand({ ...this.#bucket, Key: key, ...(Range !== undefined && { Range }) });
      const answer = await this.#client.send(command, { abortSignal });
      const body = answer.Body as Readable;
      const length = answer.ContentLength ?? 0;
      if (length > (range?.length ?? this.#objectBytesMax)) {
        body.destroy();
        throw new S3Fault('too-large', 'TooLarge', `it has ${length} bytes`);
      }
      const bytes = await readBody(body, length, abortSignal);
      const total = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1];
      return {
        bytes,
        etag: bare(answer.ETag),
        size: total === undefined ? length : Number(total),
        crc: numberOf(answer.Metadata?.[CRC]),
      };
    });
  }

  head(key: string, signal: AbortSignal): Promise<HeadOfObject> {
    const send = async (abortSignal: AbortSignal) => {
      const answer = await this.#client.send(new HeadObjectCommand({ ...this.#bucket, Key: key }), { abortSignal });
      return { size: answer.ContentLength ?? 0, etag: bare(answer.ETag), token: answer.Metadata?.[TOKEN] };
    };
    return this.#sorted(signal, send, faultOfHead);
  }

  list(prefix: string, from: string | undefined, signal: AbortSignal) {
    return this.#sorted(signal, async (abortSignal) => {
      const command = new ListObjectsV2Command({
        ...this.#bucket,
        Prefix: prefix,
        ...(from === undefined ? {} : { ContinuationToken: from }),
      });
      const answer = await this.#client.send(command, { abortSignal });
      // A page of somebody in between reads like a list of nothing, and nothing sealed is what nobody may believe by mistake.
      if (answer.Name === undefined) throw new S3Fault('failed', 'NO_ANSWER', 'the answer is no list of a bucket');
      const objects = (answer.Contents ?? []).map(({ Key, Size, ETag }) => {
        return { name: Key as string, size: Size ?? 0, etag: bare(ETag) };
      });
      return { objects, next: answer.IsTruncated ? answer.NextContinuationToken : undefined };
    });
  }

  delete(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, S3Fault>> {
    return this.#sorted(signal, async (abortSignal) => {
      const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true };
      const answer = await this.#client.send(new DeleteObjectsCommand({ ...this.#bucket, Delete }), { abortSignal });
      const faults = (answer.Errors ?? []).map(({ Key, Code, Message }) => {
        return [Key as string, faultNamed(Code ?? 'Unknown', Message ?? Code ?? 'it says nothing')] as const;
      });
      return new Map(faults);
    });
  }

  createUpload(key: string, marks: Marks, signal: AbortSignal): Promise<Upload> {
    return this.#sorted(signal, async (abortSignal) => {
      const command = new CreateMultipartUploadCommand({
        ...this.#bucket,
        Key: key,
        ChecksumAlgorithm: 'CRC32C',
        Metadata: metadataOf(marks),
      });
      return { key, uploadId: (await this.#client.send(command, { abortSignal })).UploadId as string };
    });
  }

  putPart({ key, uploadId }: Upload, number: number, bytes: Uint8Array, crc: number, signal: AbortSignal) {
    return this.#sorted(signal, async (abortSignal) => {
      const command = new UploadPartCommand({
        ...this.#bucket,
        Key: key,
        UploadId: uploadId,
        PartNumber: number,
        Body: bytes,
        ContentLength: bytes.length,
        ChecksumCRC32C: base64Of(crc),
      });
      return bare((await this.#client.send(command, { abortSignal })).ETag);
    });
  }

  completeUpload(
    { key, uploadId }: Upload,
    parts: readonly UploadedPart[],
    condition: Condition,
    signal: AbortSignal,
  ): Promise<string> {
    return this.#sorted(signal, async (abortSignal) => {
      const command = new CompleteMultipartUploadCommand({
        ...this.#bucket,
        Key: key,
        UploadId: uploadId,
        MultipartUpload: {
          Parts: parts.map(({ number, etag, crc }) => {
            return { PartNumber: number, ETag: quoted(etag), ChecksumCRC32C: base64Of(crc) };
          }),
        },
        ...headersOf(condition),
      });
      return bare((await this.#client.send(command, { abortSignal })).ETag);
    });
  }

  abortUpload({ key, uploadId }: Upload, signal: AbortSignal): Promise<void> {
    return this.#sorted(signal, async (abortSignal) => {
      const command = new AbortMultipartUploadCommand({ ...this.#bucket, Key: key, UploadId: uploadId });
      await this.#client.send(command, { abortSignal });
    });
  }

  listUploads(prefix: string, signal: AbortSignal): Promise<readonly Upload[]> {
    return this.#sorted(signal, async (abortSignal) => {
      const command = new ListMultipartUploadsCommand({ ...this.#bucket, Prefix: prefix });
      const { Uploads = [] } = await this.#client.send(command, { abortSignal });
      return Uploads.map(({ Key, UploadId }) => ({ key: Key as string, uploadId: UploadId as string }));
    });
  }

  close(): void {
    this.#client.destroy();
  }

  async #sorted<T>(
    signal: AbortSignal,
    send: (signal: AbortSignal) => Promise<T>,
    sort: (error: unknown) => S3Fault = faultOf,
  ): Promise<T> {
    try {
      return await send(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw sort(error);
    }
  }
}

/** Not a byte more than was announced is kept. */
async function readBody(body: Readable, length: number, signal: AbortSignal): Promise<Uint8Array> {
  const stop = () => body.destroy(new Error('aborted'));
  signal.addEventListener('abort', stop, { once: true });
  try {
    const bytes = new Uint8Array(length);
    let filled = 0;
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      if (filled + piece.length > length) throw new S3Fault('damaged', 'LENGTH', 'more bytes came than were announced');
      bytes.set(piece, filled);
      filled += piece.length;
    }
    if (filled < length) throw new S3Fault('damaged', 'LENGTH', `${filled} of ${length} bytes came`);
    return bytes;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function metadataOf({ token, crc }: Marks): Record<string, string> {
  return { [TOKEN]: token, [CRC]: (crc >>> 0).toString(16).padStart(8, '0') };
}

function headersOf(condition: Condition): { IfNoneMatch: string } | { IfMatch: string } {
  return condition.kind === 'absent' ? { IfNoneMatch: '*' } : { IfMatch: quoted(condition.etag) };
}

const bare = (etag: string | undefined) => (etag ?? '').replaceAll('"', '');
const quoted = (etag: string) => `"${etag}"`;

/** Checksums travel as four bytes, the highest first. */
function base64Of(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes.toString('base64');
}

function numberOf(hex: string | undefined): number | undefined {
  return hex !== undefined && /^[0-9a-f]{8}$/.test(hex) ? Number.parseInt(hex, 16) : undefined;
}
