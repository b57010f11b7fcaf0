import type { Disk } from '@tidemark/base';

// The only maker and parser of names in the journal's folder.

const JOURNAL = /^(\d{8,10})\.journal$/;

export const COMPACTED_FOLDER = 'compacted';

export function journalName(number: number): string {
  return `${String(number).padStart(8, '0')}.journal`;
}

/** What a file is called until it is worth its name. */
export function unfinishedName(number: number): string {
  return `${journalName(number)}.new`;
}

/** Where bytes go that a torn write left at `position`. */
export function tornName(number: number, position: number): string {
  return `${String(number).padStart(8, '0')}-${position}.torn`;
}

/** The file's number, or undefined when the name is not a journal file's. */
export function parseJournalName(name: string): number | undefined {
  const match = JOURNAL.exec(name);
  return match ? Number(match[1]) : undefined;
}

export function isUnfinishedName(name: string): boolean {
  return name.endsWith('.journal.new');
}

export function isTornName(name: string): boolean {
  return name.endsWith('.torn');
}

/** A folder for what a repair takes away; it is not there yet. */
export async function freeFolder(disk: Disk, folder: string): Promise<string> {
  const names = new Set(await disk.list(folder));
  for (let i = 1; ; i++) if (!names.has(`damaged-${i}/`)) return `${folder}/damaged-${i}`;
}
