import { type Disk, isTidemarkError } from '@tidemark/base';
import { decodeFileHeader, type FileHeader } from './file-header.ts';
import { FILE_HEADER_BYTES, FRAME_HEADER_BYTES } from './format.ts';
import { bodyIsRight, decodeFrameHeader, type FrameHeader } from './frame.ts';

// Reading a file over its damages: a frame carries its place in its checksum, so whole ones are found behind bad bytes too.
//
//   | frame | frame | ??????????????? | frame | frame |
//     whole   whole   bytes unreadable  whole   whole

export type Salvaged =
  | { readonly state: 'whole'; readonly position: number; readonly header: FrameHeader; readonly body: Uint8Array }
  | { readonly state: 'unreadable'; readonly position: number; readonly bytes: number };

/** Everything from byte `from` on. A file whose header is damaged is unreadable as a whole: it holds the frames' salt. */
export async function salvageFile(disk: Disk, path: string, from: number): Promise<readonly Salvaged[]> {
  const bytes = await disk.read(path);
  const file = headerOf(bytes, path);
  if (!file) return [{ state: 'unreadable', position: 0, bytes: bytes.length }];
  const found: Salvaged[] = [];
  let badAt: number | undefined;
  let at = Math.max(from, FILE_HEADER_BYTES);
  while (at < bytes.length) {
    const header = wholeAt(bytes, at, file);
    if (!header) {
      badAt ??= at;
      at++;
      continue;
    }
    if (badAt !== undefined) found.push({ state: 'unreadable', position: badAt, bytes: at - badAt });
    badAt = undefined;
    const bodyAt = at + FRAME_HEADER_BYTES;
    found.push({ state: 'whole', position: at, header, body: bytes.subarray(bodyAt, bodyAt + header.length) });
    at = bodyAt + header.length;
  }
  if (badAt !== undefined) found.push({ state: 'unreadable', position: badAt, bytes: bytes.length - badAt });
  return found;
}

/** Undefined when it is damaged. */
export function headerOf(bytes: Uint8Array, path: string): FileHeader | undefined {
  try {
    return decodeFileHeader(bytes.subarray(0, FILE_HEADER_BYTES), path);
  } catch (error) {
    if (isTidemarkError(error, 'LOG_CORRUPT') || isTidemarkError(error, 'LOG_FOREIGN')) return undefined;
    throw error;
  }
}

function wholeAt(bytes: Uint8Array, at: number, file: FileHeader): FrameHeader | undefined {
  const header = decodeFrameHeader(bytes, at, file, at);
  return header && bodyIsRight(header, bytes, at + FRAME_HEADER_BYTES) ? header : undefined;
}
