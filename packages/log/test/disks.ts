import { type Logger, SelfMetrics, SimClock, seededRandom, silentLogger } from '@tidemark/base';
import { SimDisk } from '@tidemark/base/sim';
import { RAW, raw, valuesOf } from '../src/conformance/traits.ts';
import type { EmbeddedLog } from '../src/embedded/embedded-log.ts';
import { journalName } from '../src/embedded/file-name.ts';
import { openEmbeddedLog } from '../src/embedded/open.ts';
import type { EmbeddedLogOptions } from '../src/embedded/options.ts';

// Journals to damage, and what is found in them afterwards.

export const FOLDER = 'log';
export const FIRST = `${FOLDER}/${journalName(1)}`;

export type Files = ReadonlyMap<string, Uint8Array>;

export async function filesOf(disk: SimDisk): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  for (const name of await disk.list(FOLDER)) {
    if (!name.endsWith('/')) files.set(`${FOLDER}/${name}`, await disk.read(`${FOLDER}/${name}`));
  }
  return files;
}

export async function diskOf(files: Files): Promise<SimDisk> {
  const disk = new SimDisk();
  for (const [path, bytes] of files) await disk.writeAtomic(path, bytes);
  return disk;
}

/** The files, with one of them changed. */
export function changed(files: Files, path: string, change: (bytes: Uint8Array) => Uint8Array): Files {
  const bytes = files.get(path);
  if (!bytes) throw new Error(`no ${path}`);
  return new Map([...files, [path, change(bytes.slice())]]);
}

export interface Opened {
  readonly log: EmbeddedLog;
  readonly clock: SimClock;
  readonly metrics: SelfMetrics;
}

export async function openOn(
  disk: SimDisk,
  options: Partial<EmbeddedLogOptions> = {},
  logger: Logger = silentLogger,
): Promise<Opened> {
  const clock = new SimClock(1_700_000_000_000);
  const metrics = new SelfMetrics();
  const random = seededRandom(7);
  const log = await openEmbeddedLog({ disk, clock, logger, metrics, random, options: { folder: FOLDER, ...options } });
  return { log, clock, metrics };
}

/** The value of a metric without labels. */
export function metric(metrics: SelfMetrics, name: string): number {
  const line = metrics
    .expose()
    .split('\n')
    .find((text) => text.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}

/** What a reopened log holds of the raw topic, or the code it refused with. */
export async function outcome(
  files: Files,
): Promise<{ values: (string | null)[][] } | { code: string; message: string }> {
  const disk = await diskOf(files);
  let opened: Opened;
  try {
    opened = await openOn(disk);
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  const { log } = opened;
  const known = (await log.topics()).some(({ name }) => name === RAW.name);
  const values: (string | null)[][] = [];
  if (known) for (const partition of [0, 1, 2]) values.push(await valuesOf(log, RAW.name, partition));
  await log.close();
  return { values };
}

/**
 * A journal that died after these appends, each synced on its own: nothing was closed. `sealed` lets the silence pass after
 * which the mark is down.
 */
export async function journalOf(
  appends: readonly (readonly [partition: number, value: string][])[],
  options: { readonly sealed: boolean; readonly log?: Partial<EmbeddedLogOptions> },
): Promise<Files> {
  const disk = new SimDisk();
  const { log, clock } = await openOn(disk, options.log);
  await log.ensureTopics([RAW]);
  for (const records of appends) await log.append(records.map(([partition, value]) => raw(partition, value)));
  if (options.sealed) await clock.advance(5050);
  return filesOf(disk.crash({ seed: 1, keep: 'synced' }));
}
