import { TIERS, type Tier } from './head/resolve.ts';

// The only room that makes or reads names of files, windows and objects. docs/format/object-names.md
//
//   disk            shards/<topic>/<partition>/checkpoint-<generation, 16 digits>
//                   shards/<topic>/<partition>/series-<number, 6 digits>
//                   metadata
//                   quarantine/<what>-<name>
//   LevelDB         shards/<topic>/<partition>/windows/<tier>_<start ms, 15 digits>_<sequence, 4 digits>
//   object store    segments/<topic>/<partition>/<tier>/<start ms, 15 digits>-<sequence, 4 digits>-<part, 3 digits>-<digest>.seg
//                   manifests/<topic>/<partition>.manifest
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
export const TOMBSTONES_FILE = 'tombstones';
export const QUARANTINE_FOLDER = 'quarantine';
export const SEGMENT_PREFIX = 'segments/';
export const MANIFEST_PREFIX = 'manifests/';

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

export function segmentName(shard: ShardName, window: WindowName, part: number, digest: string): string {
  const { tier, startMs, sequence } = window;
  return `${SEGMENT_PREFIX}${shard.topic}/${shard.partition}/${tier}/${pad(startMs, 15)}-${pad(sequence, 4)}-${pad(part, 3)}-${digest}.seg`;
}

export function manifestName({ topic, partition }: ShardName): string {
  return `${MANIFEST_PREFIX}${topic}/${partition}.manifest`;
}

export function parseManifestName(name: string): ShardName | undefined {
  const match = /^manifests\/([^/]+)\/(\d+)\.manifest$/.exec(name);
  return match ? { topic: match[1] as string, partition: Number(match[2]) } : undefined;
}
