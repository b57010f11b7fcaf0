import { type Disk, must, type Random, systemRandom } from '@tidemark/base';
import { encodeSnapshot } from './control-body.ts';
import { encodeFileHeader } from './file-header.ts';
import { freeFolder, journalName } from './file-name.ts';
import { FILE_HEADER_BYTES, FRAME_HEADER_BYTES, Kind } from './format.ts';
import { encodeFrameHeader } from './frame.ts';
import { encodeRepaired, type Repaired } from './repaired-body.ts';
import { journalNumbers } from './replay.ts';
import { headerOf } from './salvage.ts';

// Cutting a journal: what is before the cut, and behind it a frame that says where everything goes on.
//
//   copy of the damaged file into damaged-N/   ->   the file, cut and ended, in place of it (atomically)   ->   later files
//                                                                                                   into damaged-N/
//
// While later files are still there the next one contradicts the cut file, so the journal is refused until the cut is done.

export interface CutParts {
  readonly disk: Disk;
  readonly folder: string;
  /** Salts of journal files. */
  readonly random?: Random;
}

/** Everything before it is right. */
export interface Cut {
  readonly path: string;
  readonly number: number;
  readonly position: number;
}

/** Returns the folder with what was taken away. */
export async function cutJournal(
  { disk, folder, random = systemRandom }: CutParts,
  cut: Cut,
  repaired: Repaired,
): Promise<string> {
  const numbers = await journalNumbers(disk, folder);
  const later = numbers.filter((number) => number > cut.number);
  const keptIn = await freeFolder(disk, folder);
  await disk.makeFolder(keptIn);
  const damaged = (await disk.exists(cut.path)) ? await disk.read(cut.path) : new Uint8Array(0);
  if (damaged.length > cut.position) await disk.writeAtomic(`${keptIn}/${journalName(cut.number)}`, damaged);
  const prefix = damaged.subarray(0, cut.position);
  const header = headerOf(prefix, cut.path);
  // The snapshot is the first frame: up to there nothing of the file is worth keeping.
  const keepsFile = header !== undefined && cut.position > FILE_HEADER_BYTES;
  const before = numbers.filter((number) => number < cut.number).at(-1);
  if (keepsFile) {
    await disk.writeAtomic(cut.path, joined([prefix, ...repairedFrame(repaired, header, prefix.length)]));
  } else if (before === undefined) {
    await disk.writeAtomic(cut.path, freshFile(cut.number, random, repaired));
  } else {
    const path = `${folder}/${journalName(before)}`;
    const whole = await disk.read(path);
    await disk.writeAtomic(
      path,
      joined([whole, ...repairedFrame(repaired, must(headerOf(whole, path)), whole.length)]),
    );
    await disk.remove(cut.path);
  }
  for (const number of later) {
    await disk.rename(`${folder}/${journalName(number)}`, `${keptIn}/${journalName(number)}`);
  }
  await disk.syncFolder(keptIn);
  await disk.syncFolder(folder);
  return keptIn;
}

function repairedFrame(repaired: Repaired, file: { readonly salt: number }, position: number): Uint8Array[] {
  const body = [encodeRepaired(repaired)];
  return [encodeFrameHeader({ kind: Kind.repaired, body, syncedTo: position }, file, position), ...body];
}

/** Nothing was left: a file that begins with nothing, and goes on where everything was. */
function freshFile(number: number, random: Random, repaired: Repaired): Uint8Array {
  const header = { number, salt: random.below(0x1_0000_0000), createdMs: 0 };
  const body = [
    encodeSnapshot({
      previousNumber: 0,
      previousLength: 0,
      topics: [],
      positions: [],
      materialised: [],
      lastEpoch: 0,
      newTopicsFrom: 0,
    }),
  ];
  const snapshot = encodeFrameHeader(
    { kind: Kind.snapshot, body, syncedTo: FILE_HEADER_BYTES },
    header,
    FILE_HEADER_BYTES,
  );
  const end = FILE_HEADER_BYTES + FRAME_HEADER_BYTES + (body[0]?.length ?? 0);
  return joined([encodeFileHeader(header), snapshot, ...body, ...repairedFrame(repaired, header, end)]);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}
