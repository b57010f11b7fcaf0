import { crc32c } from '@tidemark/base';
import type { S3Options } from './options.ts';
import { type Condition, isFault, type Marks, type S3Requests, type Upload, type UploadedPart } from './requests.ts';
import type { Retrier } from './retrier.ts';

// A large object goes up in parts, a few at a time, and is there when the upload is completed; until then nobody sees it.
//
//   create ── part 1 ┬ part 2 ┬ part 3 ... ── complete, if its condition holds
//                    └────────┴──── failed: abort, so that the parts cost nothing; what a crash leaves is reaped (uploads.ts)

// S3's own bound.
const PARTS_MAX = 10_000;

export interface UploadParts {
  readonly requests: S3Requests;
  readonly retrier: Retrier;
  readonly options: S3Options;
  /** Ids of uploads under way here: not to be reaped. */
  readonly underWay: Set<string>;
  /** Called for each time completing is asked for: it may have happened from then on. */
  readonly onComplete: () => void;
  /** An upload could not be aborted: the reaper will find it. */
  readonly onLeft: (upload: Upload, error: unknown) => void;
}

export interface WholeObject {
  readonly key: string;
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly condition: Condition;
  readonly marks: Marks;
}

/** Returns the etag. Rejects as the retrier does: an `S3Fault` `unmet`, `absent` or `no-upload` may hide a reply that was lost. */
export async function uploadInParts(parts: UploadParts, object: WholeObject): Promise<string> {
  const { requests, retrier, underWay } = parts;
  const { key, name, marks, condition } = object;
  const upload = await retrier.run({ operation: 'create_upload', name, bytes: 0 }, (signal) =>
    requests.createUpload(key, marks, signal),
  );
  underWay.add(upload.uploadId);
  try {
    const uploaded = await putParts(parts, upload, object);
    return await retrier.run({ operation: 'complete_upload', name, bytes: 0 }, (signal) => {
      parts.onComplete();
      return requests.completeUpload(upload, uploaded, condition, signal);
    });
  } catch (error) {
    // One attempt: there may be nobody to ask, and nobody waits for it to be gone.
    await retrier
      .run({ operation: 'abort_upload', name, bytes: 0 }, (signal) => requests.abortUpload(upload, signal))
      .catch((failed: unknown) => {
        if (!isFault(failed, 'no-upload')) parts.onLeft(upload, failed);
      });
    throw error;
  } finally {
    underWay.delete(upload.uploadId);
  }
}

async function putParts(
  { requests, retrier, options }: UploadParts,
  upload: Upload,
  { name, bytes }: WholeObject,
): Promise<UploadedPart[]> {
  const partBytes = Math.max(options.partBytes, Math.ceil(bytes.length / PARTS_MAX));
  const count = Math.ceil(bytes.length / partBytes);
  const uploaded: UploadedPart[] = [];
  let next = 0;
  let failed = false;
  const work = async () => {
    while (next < count && !failed) {
      const index = next++;
      const piece = bytes.subarray(index * partBytes, (index + 1) * partBytes);
      const crc = crc32c(piece);
      try {
        const etag = await retrier.run({ operation: 'put_part', name, bytes: piece.length }, (signal) =>
          requests.putPart(upload, index + 1, piece, crc, signal),
        );
        uploaded[index] = { number: index + 1, etag, crc };
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  // All have ended before the upload is aborted: a part that comes later would stay.
  const ended = await Promise.allSettled(Array.from({ length: Math.min(options.partsAtOnce, count) }, work));
  const rejected = ended.find((each) => each.status === 'rejected');
  if (rejected !== undefined) throw rejected.reason;
  return uploaded;
}
