import type { ByteReader, Disk } from '@tidemark/base';
import { beginStateFile, corruptState, FILE_KIND, readStateFile, sealStateFile } from './state-file.ts';

// The manifest of a task: the one file whose replacement is the checkpoint.
//
//   manifest := taskId text | sequence uvarint | streamTimeMs f64
//             | positions: count uvarint, (topic text, partition uvarint, offset uvarint)*
//             | stores:    count uvarint, (name text, token bytes)*
//
// It is written last, after everything it names. Text and bytes are length-prefixed (base/bytes/writer.ts).

export const MANIFEST_NAME = 'checkpoint';

export interface Checkpoint {
  readonly taskId: string;
  readonly sequence: number;
  /** -Infinity before the first record. */
  readonly streamTimeMs: number;
  readonly positions: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[];
  readonly tokens: ReadonlyMap<string, Uint8Array>;
}

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const writer = beginStateFile(FILE_KIND.manifest);
  writer.text(checkpoint.taskId);
  writer.uvarint(checkpoint.sequence);
  writer.f64(checkpoint.streamTimeMs);
  writer.uvarint(checkpoint.positions.length);
  for (const { topic, partition, offset } of checkpoint.positions) {
    writer.text(topic);
    writer.uvarint(partition);
    writer.uvarint(offset);
  }
  writer.uvarint(checkpoint.tokens.size);
  for (const [name, token] of checkpoint.tokens) {
    writer.text(name);
    writer.lengthPrefixed(token);
  }
  return sealStateFile(writer);
}

/** Undefined when there is none. Throws `STATE_CORRUPT`, `STATE_VERSION`, and `STATE_CORRUPT` for another task's. */
export async function readCheckpoint(disk: Disk, folder: string, taskId: string): Promise<Checkpoint | undefined> {
  const path = `${folder}/${MANIFEST_NAME}`;
  if (!(await disk.exists(path))) return undefined;
  const checkpoint = await readStateFile(disk, path, FILE_KIND.manifest, decodeCheckpoint);
  if (checkpoint.taskId !== taskId) {
    throw corruptState(path, `it belongs to the task ${checkpoint.taskId}, not ${taskId}`);
  }
  return checkpoint;
}

export function decodeCheckpoint(reader: ByteReader): Checkpoint {
  const taskId = reader.text();
  const sequence = reader.uvarint();
  const streamTimeMs = reader.f64();
  const positions = Array.from({ length: reader.count(3) }, () => ({
    topic: reader.text(),
    partition: reader.uvarint(),
    offset: reader.uvarint(),
  }));
  const tokens = new Map<string, Uint8Array>();
  for (let left = reader.count(2); left > 0; left--) tokens.set(reader.text(), reader.lengthPrefixed().slice());
  return { taskId, sequence, streamTimeMs, positions, tokens };
}
