import { ByteReader, type Disk, isTidemarkError, type Logger, type SalvagedEntry, salvageLevel } from '@tidemark/base';
import { type CompactedTopic, openLevelStore } from './compacted.ts';
import { ACCOUNT, crcOf, encodeAccount, encodePlaceAt, encodeStandIn, RECORD, STAND_IN } from './compacted-codec.ts';
import { writeLevel } from './compacted-level.ts';
import type { CompactedStore } from './compacted-store.ts';
import type { Materialised } from './control-body.ts';
import { COMPACTED_FOLDER, freeFolder } from './file-name.ts';

// A store of a compacted topic that is damaged is made anew of every entry that can be read in its files, whatever its MANIFEST says:
//
//   compacted/t ──salvage──▶ damaged-N/mended-t      accounts fit: nothing is missing, a start does this by itself
//                                                    they do not: only a repair does, and says how many records are lost
//   compacted/t ──rename───▶ damaged-N/t             as it was found
//   damaged-N/mended-t ────▶ compacted/t             a crash before this is made good by whoever looks next
//
// Where the last record of a key is lost, an older table may still have the one before it, or one that was deleted since: LevelDB
// keeps what was replaced until it compacts. The counts tell, but not which.
//
// One that lacks records says whose account it stands in for ('s'), or the journal's account would refuse it.

export interface StoreParts {
  readonly disk: Disk;
  /** Of the log. */
  readonly folder: string;
}

export interface MendedStore {
  readonly keptIn: string;
  /** Records that are in it. */
  readonly records: number;
}

export const pathOfStore = (folder: string, topic: string) => `${folder}/${COMPACTED_FOLDER}/${topic}`;

/** As `openLevelStore`; one that is damaged, but has everything that counts, is mended first. */
export async function openOrMendStore(
  parts: StoreParts & { readonly logger: Logger; readonly onMended: (topic: string) => void },
  topic: CompactedTopic,
  known: Materialised | undefined,
): Promise<CompactedStore> {
  const { disk, folder, logger, onMended } = parts;
  const path = pathOfStore(folder, topic.name);
  await finishSwap(disk, folder, topic.name);
  try {
    return await openLevelStore(disk, path, topic, known);
  } catch (error) {
    if (!isTidemarkError(error, 'LOG_CORRUPT')) throw error;
    const mended = await mendStore(parts, topic, known, (entries) => entries);
    if (mended === undefined) throw error;
    const { keptIn } = mended;
    logger.error('the store of a compacted topic was damaged; all of it could be mended', {
      ...{ topic: topic.name, store: path, keptIn, damage: error.message.replace(/\. Nothing was changed\..*/s, '') },
    });
    onMended(topic.name);
    return openLevelStore(disk, path, topic, known);
  }
}

/** Makes it of the records that can be read, be they all or not; behind what the journal says it holds there is the journal. */
export async function mendStoreOfWhatIsLeft(
  parts: StoreParts,
  topic: CompactedTopic,
  known: Materialised | undefined,
): Promise<MendedStore | undefined> {
  return mendStore(parts, topic, known, (entries) => rebuilt(entries, topic, known));
}

/** The offsets behind the last records that can be read, by partition. */
export async function reachedByStore({ disk, folder }: StoreParts, topic: CompactedTopic): Promise<number[]> {
  const reached = new Array<number>(topic.partitions).fill(0);
  for await (const entry of salvageLevel(disk, pathOfStore(folder, topic.name))) {
    const record = recordOf(entry);
    if (record === undefined || record.partition >= topic.partitions) continue;
    reached[record.partition] = Math.max(reached[record.partition] as number, record.offset + 1);
  }
  return reached;
}

/** Undefined when what comes out does not fit the accounts; then all is as it was. */
async function mendStore(
  { disk, folder }: StoreParts,
  topic: CompactedTopic,
  known: Materialised | undefined,
  made: (entries: AsyncIterable<SalvagedEntry>) => AsyncIterable<SalvagedEntry>,
): Promise<MendedStore | undefined> {
  const path = pathOfStore(folder, topic.name);
  const keptIn = await freeFolder(disk, folder);
  const built = `${keptIn}/${mendedName(topic.name)}`;
  let records = 0;
  try {
    await writeLevel(disk, built, made(salvageLevel(disk, path)));
    const store = await openLevelStore(disk, built, topic, known);
    records = store.account(0).records;
    await store.close();
  } catch (error) {
    await disk.removeFolder(keptIn);
    if (isTidemarkError(error, 'LOG_CORRUPT')) return undefined;
    throw error;
  }
  if ((await disk.list(path)).length > 0) await disk.rename(path, `${keptIn}/${topic.name}`);
  await disk.syncFolder(keptIn);
  await disk.syncFolder(folder);
  await finishSwap(disk, folder, topic.name);
  return { keptIn, records };
}

/** Puts a mended store where it belongs, if a process died before it did. Before anything else is opened or made there. */
export async function finishSwap(disk: Disk, folder: string, topic: string): Promise<void> {
  const path = pathOfStore(folder, topic);
  if ((await disk.list(path)).length > 0) return;
  for (const name of await disk.list(folder)) {
    if (!/^damaged-\d+\/$/.test(name)) continue;
    const kept = `${folder}/${name.slice(0, -1)}`;
    const there = await disk.list(kept);
    // Without the damaged one beside it, it was not finished.
    if (!there.includes(`${mendedName(topic)}/`) || !there.includes(`${topic}/`)) continue;
    await disk.removeFolder(path);
    await disk.rename(`${kept}/${mendedName(topic)}`, path);
    await disk.syncFolder(`${folder}/${COMPACTED_FOLDER}`);
    return;
  }
}

const mendedName = (topic: string) => `mended-${topic}`;

async function* rebuilt(
  entries: AsyncIterable<SalvagedEntry>,
  topic: CompactedTopic,
  known: Materialised | undefined,
): AsyncIterable<SalvagedEntry> {
  let through: readonly number[] = known?.through ?? new Array<number>(topic.partitions).fill(0);
  // Of each key the last record that is left, below what the journal says; without its word, all of them.
  const last = new Map<string, { readonly entry: SalvagedEntry; readonly record: StoredRecord }>();
  for await (const entry of entries) {
    const record = recordOf(entry);
    if (record === undefined || record.partition >= topic.partitions) continue;
    if (known === undefined)
      through = through.with(record.partition, Math.max(through[record.partition] as number, record.offset + 1));
    else if (record.offset >= (through[record.partition] as number)) continue;
    const id = `${record.partition} ${Buffer.from(record.key).toString('latin1')}`;
    if (record.offset < (last.get(id)?.record.offset ?? 0)) continue;
    last.set(id, { entry, record });
  }
  let digest = 0;
  for (const { entry, record } of last.values()) {
    digest = (digest + record.crc) >>> 0;
    yield entry;
    yield encodePlaceAt(record.partition, record.key, record.offset, record.crc);
  }
  yield { key: ACCOUNT, value: encodeAccount(last.size, digest, through) };
  if (known !== undefined) yield { key: STAND_IN, value: encodeStandIn(known) };
}

interface StoredRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array;
  readonly crc: number;
}

/** Undefined for what is no record, or not what was written. */
function recordOf({ key: at, value }: SalvagedEntry): StoredRecord | undefined {
  if (at[0] !== RECORD || at.length !== 13 || value.length < 12) return undefined;
  const reader = new ByteReader(value);
  const crc = reader.u32be();
  if (crc !== crcOf(at, value)) return undefined;
  reader.skip(8);
  const place = new ByteReader(at, 1);
  return { partition: place.u32be(), offset: place.u64be(), key: reader.lengthPrefixed(), crc };
}
