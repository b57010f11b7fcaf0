import type { Catalog } from './catalog.ts';
import type { JournalFile } from './journal-file.ts';
import type { EmbeddedLogOptions } from './options.ts';
import type { Partition } from './partition.ts';

// Whether the oldest file may go.
//
//   every partition in it passed by all its groups, or materialised, or unread and beyond its cap   -> release
//   otherwise, older than retainMaxMs, or all files together larger than retainBytesMax             -> cut off
//   compacted records that are not in their store                                                   -> hold, always
//
// The file is the unit: one slow consumer holds back all topics of a file, until a cap cuts it off.

export type Verdict =
  | { readonly kind: 'release' }
  | { readonly kind: 'hold' }
  | {
      readonly kind: 'cut';
      /** Who had not read what goes now. */
      readonly losers: readonly { readonly partition: Partition; readonly group: string | undefined }[];
      readonly reason: 'age' | 'bytes';
    };

export interface RetentionView {
  readonly catalog: Catalog;
  readonly options: EmbeddedLogOptions;
  readonly nowMs: number;
  /** Bytes of all files. */
  readonly journalBytes: number;
}

export function judge(file: JournalFile, view: RetentionView): Verdict {
  const { catalog, options } = view;
  const losers: { partition: Partition; group: string | undefined }[] = [];
  for (const [partition, end] of file.ends) {
    if (catalog.spec(partition).compacted) {
      const through = catalog.materialised.get(partition.topicId)?.through[partition.partition] ?? 0;
      if (through < end) return { kind: 'hold' };
      continue;
    }
    const least = catalog.positions.leastDurable(partition);
    if (least !== undefined && least.offset >= end) continue;
    const bytesBehind = view.journalBytes - file.syncedBytes;
    if (least === undefined && bytesBehind >= options.unreadBytesMax) continue;
    losers.push({ partition, group: least?.group });
  }
  if (losers.length === 0) return { kind: 'release' };
  if (view.nowMs - file.newestMs > options.retainMaxMs) return { kind: 'cut', losers, reason: 'age' };
  if (view.journalBytes > options.retainBytesMax) return { kind: 'cut', losers, reason: 'bytes' };
  return { kind: 'hold' };
}
