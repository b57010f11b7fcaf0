import {
  decodeFrameHeader,
  FILE_HEADER_BYTES,
  type FileHeader,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  frameBody,
} from './format.ts';

// Walks the frames of a file, over what is damaged too.
//
//   | header | frame | frame | ▒▒▒▒▒▒▒ | frame | frame | torn
//                            └ damage: bytes that were on disk once, up to the next whole frame

export type Scanned =
  | {
      readonly what: 'frame';
      readonly at: number;
      readonly end: number;
      readonly header: FrameHeader;
      /** A view of the file's bytes. */
      readonly body: Uint8Array;
    }
  | { readonly what: 'damage'; readonly at: number; readonly end: number }
  /** Never acknowledged, as far as anything says. */
  | { readonly what: 'torn'; readonly at: number; readonly end: number };

/**
 * `nextSays`: how much of the file was on disk when the next one began; undefined where nothing says so. Then frames do, by their
 * `syncedTo`, and the file itself, of what it began with.
 */
export function* scanFrames(bytes: Uint8Array, file: FileHeader, nextSays: number | undefined): Generator<Scanned> {
  const stop = Math.min(nextSays ?? bytes.length, bytes.length);
  const durableTo = nextSays ?? file.ownLength;
  let at = FILE_HEADER_BYTES;
  while (at < stop) {
    const frame = frameAt(bytes, at, stop, file.salt);
    if (frame !== undefined) yield frame;
    const end = frame?.end ?? damageEnd(bytes, at, stop, file.salt, durableTo);
    if (end === undefined) return yield { what: 'torn', at, end: stop };
    if (frame === undefined) yield { what: 'damage', at, end };
    at = end;
  }
}

function frameAt(bytes: Uint8Array, at: number, stop: number, salt: number) {
  const header = decodeFrameHeader(bytes, at, salt);
  const body = header && frameBody(bytes, at, header);
  if (header === undefined || body === undefined) return undefined;
  const end = at + FRAME_HEADER_BYTES + header.length;
  return end <= stop ? ({ what: 'frame', at, end, header, body } as const) : undefined;
}

/** Where to go on behind what cannot be read; undefined if nothing says that it was ever on disk. */
function damageEnd(bytes: Uint8Array, badAt: number, stop: number, salt: number, durableTo: number) {
  let next: number | undefined;
  for (let at = badAt + 1; at + FRAME_HEADER_BYTES <= stop; ) {
    const frame = frameAt(bytes, at, stop, salt);
    if (frame === undefined) {
      at++;
      continue;
    }
    // It may be of the group that was torn: one behind it says more.
    next ??= at;
    if (badAt < durableTo || frame.header.syncedTo > badAt) return next;
    at = frame.end;
  }
  return badAt < durableTo ? Math.min(durableTo, stop) : undefined;
}
