import { isTidemarkError } from '@tidemark/base';
import { storageError } from '../errors.ts';

// The object store port: whole, immutable objects under names, and one kind of change: compare-and-swap by etag. A folder
// (file.ts), S3 (s3/) and a simulated store (sim.ts) stand behind it and pass one conformance suite (conformance.ts).
//
// Promises, for all implementations:
//   whole        an object is there whole or not at all; readers never see a part
//   durable      what resolved survives kill -9 and power loss; what rejected may be there or not
//   put if absent, put if matches: of several at once, one wins
//   etag         two contents of one name have two etags

export interface ObjectInfo {
  readonly name: string;
  readonly size: number;
  readonly etag: string;
}

/**
 * Throws `OBJECT_STORE_UNAVAILABLE` (outcome unknown: read before trying again), other `OBJECT_STORE_*` that somebody has to mend,
 * `OBJECT_NAME_INVALID`.
 */
export interface ObjectStore {
  /** False: an object of this name is there already, and stays. */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Replaces the object that has this etag. Returns the new etag. Throws `OBJECT_CHANGED` when it has another or is gone. */
  putIfMatches(name: string, bytes: Uint8Array, etag: string): Promise<string>;
  /** Throws `OBJECT_NOT_FOUND`, `OBJECT_CORRUPT` and `OBJECT_TOO_LARGE` where the store can tell. */
  get(name: string): Promise<{ readonly bytes: Uint8Array; readonly etag: string }>;
  /** `[start, start + length)`; shorter only at the object's end. Throws `OBJECT_NOT_FOUND`. */
  getRange(name: string, start: number, length: number): Promise<Uint8Array>;
  /** Undefined when absent. */
  head(name: string): Promise<ObjectInfo | undefined>;
  /** Names that begin with `prefix`, sorted. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Absent is fine. */
  delete(name: string): Promise<void>;
  /** Many together, with few requests. Returns those that could not be removed, and why. */
  deleteAll(names: readonly string[]): Promise<ReadonlyMap<string, Error>>;
  /** Removes what writes that never ended left behind and nobody can list. Returns how many; asked about once an hour. */
  removeUnfinished(): Promise<number>;
}

/** `deleteAll` of a store where each costs as much alone. */
export async function deleteOneByOne(
  store: Pick<ObjectStore, 'delete'>,
  names: readonly string[],
): Promise<ReadonlyMap<string, Error>> {
  const failures = new Map<string, Error>();
  for (const name of names) {
    try {
      await store.delete(name);
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      failures.set(name, error);
    }
  }
  return failures;
}

// Longer names than S3 takes, or that mean something to a file system, are refused everywhere alike.
const NAME_BYTES_MAX = 1024;

/** Throws `OBJECT_NAME_INVALID`. */
export function checkObjectName(name: string): string {
  const parts = name.split('/');
  const fine =
    name.length > 0 &&
    Buffer.byteLength(name) <= NAME_BYTES_MAX &&
    parts.every((part) => /^[A-Za-z0-9!\-_.*'()=]+$/.test(part) && part !== '.' && part !== '..' && part.length <= 250);
  if (fine) return name;
  throw storageError(
    'OBJECT_NAME_INVALID',
    `the object name ${JSON.stringify(name.slice(0, 200))} must be parts of A-Z a-z 0-9 ! - _ . * ' ( ) = joined by /`,
    { length: name.length },
  );
}

export function objectNotFound(name: string, cause?: unknown): Error {
  return storageError('OBJECT_NOT_FOUND', `no object is called ${name}`, { name }, cause);
}

export function objectChanged(name: string, expected: string): Error {
  return storageError('OBJECT_CHANGED', `the object ${name} is no longer what was read`, { name, expected });
}
