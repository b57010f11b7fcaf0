import { type Disk, isTidemarkError, LOCK_NAME, messageOf } from '@tidemark/base';
import { JOURNAL_FOLDER } from '../filename.ts';
import type { Verified } from '../verify/verify.ts';
import { decodeFileHeader, type FileHeader, FRAME_HEADER_BYTES, KIND } from './format.ts';
import { decodeRecord } from './record.ts';
import { journalNumbers, journalPath } from './replay.ts';
import { type Scanned, scanFrames } from './scan.ts';

interface Read {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly header: FileHeader | undefined;
  readonly problem: string | undefined;
}

/** Every file of a journal that nobody has open, every record of it decoded. `seen` takes what is accounted for. */
export async function* verifyJournal(disk: Disk, seen: Set<string>): AsyncGenerator<Verified> {
  // Of a process that ended without a word.
  seen.add(`${JOURNAL_FOLDER}/${LOCK_NAME}`);
  let before: Read | undefined;
  for (const number of await journalNumbers(disk)) {
    seen.add(journalPath(number));
    const one = await read(disk, number);
    if (before !== undefined) {
      yield verdict(before, before.number + 1 === number ? one.header : undefined);
      for (let gone = before.number + 1; gone < number; gone++)
        yield { file: journalPath(gone), verdict: 'missing', detail: 'later files of the journal are there' };
    }
    before = one;
  }
  if (before !== undefined) yield verdict(before, undefined);
}

async function read(disk: Disk, number: number): Promise<Read> {
  const bytes = await disk.read(journalPath(number));
  try {
    const header = decodeFileHeader(bytes, number);
    return { number, bytes, header, problem: header === undefined ? 'its header is damaged' : undefined };
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return { number, bytes, header: undefined, problem: messageOf(error) };
  }
}

function verdict({ number, bytes, header, problem }: Read, next: FileHeader | undefined): Verified {
  const file = journalPath(number);
  if (header === undefined) return { file, verdict: 'damaged', detail: problem ?? '' };
  const problems: string[] = [];
  if (bytes.length < Math.max(header.ownLength, next?.previousLength ?? 0)) problems.push('it is cut short');
  let records = 0;
  let torn = 0;
  for (const one of scanFrames(bytes, header, next?.previousLength)) {
    if (one.what === 'torn') torn += one.end - one.at;
    else if (one.what === 'damage') problems.push(`bytes ${one.at} to ${one.end - 1} cannot be read`);
    else if (one.header.kind !== KIND.mark) {
      records++;
      const what = undecodable(one);
      if (what !== undefined) problems.push(what);
    }
  }
  if (problems.length > 0) return { file, verdict: 'damaged', detail: problems.slice(0, 3).join('; ') };
  return { file, verdict: 'ok', detail: `${records} records${torn > 0 ? `, and ${torn} bytes of a torn write` : ''}` };
}

function undecodable({ header, body }: Scanned & { what: 'frame' }): string | undefined {
  if (header.kind === KIND.mark) return undefined;
  try {
    decodeRecord(header.kind, body);
    return undefined;
  } catch (error) {
    return `record ${header.sequence}, ${header.length + FRAME_HEADER_BYTES} bytes: ${messageOf(error)}`;
  }
}
