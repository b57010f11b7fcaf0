import { type ErrorDetails, TidemarkError } from '@tidemark/base';

// What can go wrong in the world here. Codes never change meaning.
//
//   STORAGE_CLOSED             the engine is closing or closed
//   STORAGE_OVERLOADED         too much waits for a checkpoint; nothing of the batch was applied, checkpoint and apply again
//   STORAGE_TIER_MISMATCH      samples and rows, or two resolutions, in one topic partition
//   STORAGE_MANIFEST_UNKNOWN   the object store is away and nothing local says what was sealed of this partition before
//   STORAGE_FOREIGN            the data on disk belongs to another installation
//   STORAGE_NEWER              a newer program wrote a file or a manifest, and it is whole: use that one, or go back to a snapshot
//   STORAGE_IO                 LevelDB could not read or write: a full disk, mostly
//   STORAGE_NO_FOLDER          neither a folder nor level stores were given, and the disk has no native path
//   CHUNK_MALFORMED            bytes that are no chunk
//   CHECKPOINT_CORRUPT         a checkpoint or a series file fails a checksum, or is cut short
//   CHECKPOINT_NEWER           a newer program wrote the checkpoint: use that one, or go back to a snapshot
//   WINDOW_CORRUPT             a value in a window's LevelDB fails its checksum, or is missing
//   SEGMENT_CORRUPT            a segment fails a checksum or has another shape than its footer says
//   TOMBSTONES_CORRUPT         the file of deletes fails its checksum: without it what was deleted would be back
//   EXEMPLARS_CORRUPT          the file of exemplars fails its checksum; it is kept aside and exemplars begin anew
//   MANIFEST_CORRUPT           a manifest fails its checksum
//   JOURNAL_FAILED             a sync of the journal failed, what the disk holds is in doubt: nothing more is taken until it is opened anew
//   JOURNAL_IN_USE             another process has the folder
//   JOURNAL_RECORD_TOO_LARGE   one batch is larger than the journal takes: give it in parts
//   JOURNAL_CORRUPT            the header of a file of the journal is damaged, so nothing of it can be explained
//   JOURNAL_NEWER              a newer program wrote the journal
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
