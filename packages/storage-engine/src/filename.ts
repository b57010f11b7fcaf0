import { TIERS, type Tier } from './head/resolve.ts';

// The only room that makes or reads names of files, windows and objects. docs/format/object-names.md
//
//   disk            shards/<topic>/<partition>/checkpoint-<generation, 16 digits>
//                   shards/<topic>/<partition>/series-<number, 6 digits>
//                   journal/journal-<number, 8 digits>        of an engine that keeps one
//                   metadata, exemplars, tombstones           and <name>-copy of each
//                   quarantine/<what>-<name>                  a value of a window, a file
//                   quarantine/journal-<from, 16 digits>-<to, 16 digits>-<number, 8 digits>-<place>      what a loss was read from
//                   quarantine/window-<path of a window, / as _>/         its database as it was found
//                   quarantine/opening-<path of a window, / as _>/        the same, while it is looked at
//                   cache/<piece>                             a piece of an object in a bucket (object-store/piece.ts)
//   LevelDB         shards/<topic>/<partition>/windows/<tier>_<start ms, 15 digits>_<sequence, 4 digits>
//   object store    segments/<topic>/<partition>/<tier>/<start ms, 15 digits>-<sequence, 4 digits>-<part, 3 digits>-<digest>.seg
//                   manifests/<topic>/<partition>.manifest    and .manifest-copy
//
// Numbers are padded so that names sort as they count; start times before 1970 don't occur (intake refuses them). Topics have
// the characters Kafka allows, none of which means anything here.

const pad = (value: number, digits: number) => String(value).padStart(digits, '0');

export interface ShardName {
  readonly topic: string;
  readonly partition: number;
}

export interface WindowName {
  readonly tier: Tier;
  readonly startMs: number;
  readonly sequence: number;
}

export const SHARDS_FOLDER = 'shards';
export const METADATA_FILE = 'metadata';
export const EXEMPLARS_FILE = 'exemplars';
export const TOMBSTONES_FILE = 'tombstones';
export const JOURNAL_FOLDER = 'journal';
export const DISK_CACHE_FOLDER = 'cache';
export const QUARANTINE_FOLDER = 'quarantine';
export const SEGMENT_PREFIX = 'segments/';
export const MANIFEST_PREFIX = 'manifests/';

/** The other one of a file that is kept twice. */
export function copyName(name: string): string {
  return `${name}-copy`;
}

export function shardFolder({ topic, partition }: ShardName): string {
  return `${SHARDS_FOLDER}/${topic}/${partition}`;
}

export function checkpointName(generation: number): string {
  return `checkpoint-${pad(generation, 16)}`;
}

/** The generation, or undefined for another name. */
export function parseCheckpointName(name: string): number | undefined {
  const match = /^checkpoint-(\d{16})$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

export function seriesFileName(number: number): string {
  return `series-${pad(number, 6)}`;
}

export function parseSeriesFileName(name: string): number | undefined {
  const match = /^series-(\d{6})$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

export function windowsFolder(shard: ShardName): string {
  return `${shardFolder(shard)}/windows`;
}

export function windowPath(shard: ShardName, { tier, startMs, sequence }: WindowName): string {
  return `${windowsFolder(shard)}/${tier}_${pad(startMs, 15)}_${pad(sequence, 4)}`;
}

export function parseWindowName(name: string): WindowName | undefined {
  const match = /^([a-z0-9]+)_(\d{15})_(\d{4})$/.exec(name);
  const tier = TIERS.find((candidate) => candidate === match?.[1]);
  return match && tier !== undefined ? { tier, startMs: Number(match[2]), sequence: Number(match[3]) } : undefined;
}

export function quarantineName(what: string, name: string): string {
  return `${QUARANTINE_FOLDER}/${what}-${name.replaceAll('/', '_')}`;
}

export function journalFileName(number: number): string {
  return `journal-${pad(number, 8)}`;
}

export function parseJournalFileName(name: string): number | undefined {
  const match = /^journal-(\d{8})$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

/** Records `[from, to)` of the journal that are lost, and where they may have been. */
export interface LossName {
  readonly from: number;
  readonly to: number;
  readonly number: number;
  readonly at: number;
}

export function lossName({ from, to, number, at }: LossName): string {
  return `${QUARANTINE_FOLDER}/journal-${pad(from, 16)}-${pad(to, 16)}-${pad(number, 8)}-${at}`;
}

/** Of a name in the folder of what is kept aside. */
export function parseLossName(name: string): LossName | undefined {
  const match = /^journal-(\d{16})-(\d{16})-(\d{8})-(\d+)$/.exec(name);
  if (match === null) return undefined;
  const [from, to, number, at] = match.slice(1).map(Number) as [number, number, number, number];
  return { from, to, number, at };
}

/** Where the database of a window is kept as it was found, if it turns out to be damaged. */
export function keptWindow(path: string): string {
  return quarantineName('window', path);
}

/** Where it is until that is known: `of` says who looks. */
export function lookedAtWindow(path: string, of: 'opening' | 'verifying'): string {
  return quarantineName(of, path);
}

export function segmentName(shard: ShardName, window: WindowName, part: number, digest: string): string {
  const { tier, startMs, sequence } = window;
  return `${SEGMENT_PREFIX}${shard.topic}/${shard.partition}/${tier}/${pad(startMs, 15)}-${pad(sequence, 4)}-${pad(part, 3)}-${digest}.seg`;
}

/** What the name of a segment says of its bytes: the first 16 digits of their SHA-256. */
export function segmentDigest(name: string): string | undefined {
  return /-([0-9a-f]{16})\.seg$/.exec(name)?.[1];
}

export function manifestName({ topic, partition }: ShardName): string {
  return `${MANIFEST_PREFIX}${topic}/${partition}.manifest`;
}

export function manifestCopyName(shard: ShardName): string {
  return copyName(manifestName(shard));
}

export function parseManifestCopyName(name: string): ShardName | undefined {
  return name.endsWith('-copy') ? parseManifestName(name.slice(0, -'-copy'.length)) : undefined;
}

/** What a topic partition's segments begin with. */
export function segmentsPrefix({ topic, partition }: ShardName): string {
  return `${SEGMENT_PREFIX}${topic}/${partition}/`;
}

/** What the names of Tidemark's own topics say, where nothing else does. */
export function tierOf({ topic }: ShardName): Tier {
  return topic.endsWith('.1m') ? '1m' : topic.endsWith('.1h') ? '1h' : 'raw';
}

export function parseManifestName(name: string): ShardName | undefined {
  const match = /^manifests\/([^/]+)\/(\d+)\.manifest$/.exec(name);
  return match ? { topic: match[1] as string, partition: Number(match[2]) } : undefined;
}
