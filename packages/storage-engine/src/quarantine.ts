import { type Disk, type LogFields, type Logger, messageOf } from '@tidemark/base';
import { QUARANTINE_FOLDER, quarantineName } from './filename.ts';

/** What the engine does with what is damaged, once a name: keeps a copy of the bytes, counts, and logs it, with these words if given. */
export type Quarantine = (
  what: string,
  name: string,
  bytes: Uint8Array | undefined,
  message?: string,
  facts?: LogFields,
) => void;

interface QuarantineParts {
  readonly disk: Disk;
  readonly logger: Logger;
  readonly count: (what: string) => void;
}

// 1 MB of names, at about a hundred bytes each: beyond, what is damaged is said again at each read.
const NAMES_REMEMBERED = 10_000;

export function makeQuarantine({ disk, logger, count }: QuarantineParts): Quarantine {
  const known = new Set<string>();
  return (what, name, bytes, message = 'damaged: kept aside, answers warn', facts = { name, bytes: bytes?.length }) => {
    // Whoever reads it meets it again.
    const id = `${what} ${name}`;
    if (known.has(id)) return;
    if (known.size < NAMES_REMEMBERED) known.add(id);
    count(what);
    logger.error(message, { what, ...facts });
    if (bytes === undefined) return;
    disk
      .makeFolder(QUARANTINE_FOLDER)
      .then(() => disk.writeAtomic(quarantineName(what, name), bytes))
      .catch((error: unknown) =>
        logger.error('what was damaged could not be kept aside', { name, error: messageOf(error) }),
      );
  };
}
