import { type ErrorDetails, TidemarkError } from '@tidemark/base';

// What can go wrong in the world here. Codes never change meaning.
//
//   STORAGE_CLOSED             the engine is closing or closed
//   STORAGE_OVERLOADED         too much waits for a checkpoint; nothing of the batch was applied, checkpoint and apply again
//   STORAGE_TIER_MISMATCH      samples and rows, or two resolutions, in one topic partition
//   STORAGE_MANIFEST_UNKNOWN   the object store is away and nothing local says what was sealed of this partition before
//   STORAGE_FOREIGN            the data on disk belongs to another installation
//   STORAGE_IO                 LevelDB could not read or write: a full disk, mostly
//   STORAGE_NO_FOLDER          neither a folder nor level stores were given, and the disk has no native path
//   CHUNK_MALFORMED            bytes that are no chunk
//   CHECKPOINT_CORRUPT         no checkpoint file of a partition can be read, though there is one
//   WINDOW_CORRUPT             a value in a window's LevelDB fails its checksum, or is missing
//   SEGMENT_CORRUPT            a segment fails a checksum or has another shape than its footer says
//   TOMBSTONES_CORRUPT         the file of deletes fails its checksum: without it what was deleted would be back
//   MANIFEST_CORRUPT           a manifest fails its checksum
//   OBJECT_NOT_FOUND, OBJECT_CHANGED (another etag), OBJECT_NAME_INVALID, OBJECT_TOO_LARGE
//   OBJECT_CORRUPT             an object comes with other bytes than the store's checksum of it says
//   OBJECT_STORE_UNAVAILABLE   it does not answer, or too late; what was asked for may have happened
//   OBJECT_STORE_DENIED, OBJECT_STORE_NO_BUCKET, OBJECT_STORE_CLOCK_SKEW, OBJECT_STORE_WRONG_REGION
//                              it answers, and somebody has to mend what the message says
//   OBJECT_STORE_REFUSED       it answers with something else than was asked for

export class StorageError extends TidemarkError {
  override readonly name = 'StorageError';
}

export function storageError(code: string, message: string, details: ErrorDetails = {}, cause?: unknown): StorageError {
  return new StorageError(code, message, details, cause);
}
