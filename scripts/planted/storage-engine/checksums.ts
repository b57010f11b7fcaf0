import type { PlantedBug } from '../bug.ts';
import { by, src } from './places.ts';

// Bytes that are believed though their checksum says otherwise.

export const CHECKSUMS: readonly PlantedBug[] = [
  {
    name: 'journal-body-unchecked',
    what: 'the body of a record of the journal is not checked',
    file: src('journal/format.ts'),
    text: 'crc32c(bytes, at, end) === header.bodyCrc',
    instead: 'header.bodyCrc >= 0',
    caughtBy: [by('journal-damage.fuzz.test.ts', { SEED: '1' })],
  },
  {
    name: 'journal-header-unchecked',
    what: 'the header of a file of the journal is not checked',
    file: src('journal/format.ts'),
    text: 'if (new ByteReader(bytes, crcAt).u32() !== crc32c(bytes, 0, crcAt)) return undefined;',
    instead: '',
    caughtBy: [by('journal-damage.fuzz.test.ts', { SEED: '1' })],
  },
  {
    name: 'journal-frame-header-unchecked',
    what: 'anything with a kind is taken for a frame of the journal',
    file: src('journal/format.ts'),
    text: 'if (new ByteReader(bytes, crcAt).u32() !== headerCrc(bytes, position, salt, position)) return undefined;',
    instead: '',
    caughtBy: [by('journal-damage.fuzz.test.ts', { SEED: '1' })],
  },
  {
    name: 'checkpoint-unchecked',
    what: 'sections of a checkpoint are not checked',
    file: src('checkpoint/codec.ts'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
    text: "if (actual !== crc) throw storageError('CHECKPOINT_CORRUPT', `section ${id} fails its checksum`, { at, id });",
    instead: 'void actual;',
    caughtBy: [by('checkpoint/checkpoint.test.ts')],
  },
  {
    name: 'series-file-unchecked',
    what: 'labels in a series file are not checked',
    file: src('checkpoint/series-file.ts'),
    text: "if (crc32c(payload) !== crc) throw storageError('CHECKPOINT_CORRUPT', 'a frame of a series file is corrupt');",
    instead: '',
    caughtBy: [by('checkpoint-damage.test.ts')],
  },
  {
    name: 'window-value-unchecked',
    what: 'values that LevelDB hands out are not checked',
    file: src('partition/keys.ts'),
    text: 'return crc32c(value, 0, end, crc32c(key)) === stored ? value.subarray(0, end) : undefined;',
    instead: 'return stored >= 0 && key.length > 0 ? value.subarray(0, end) : undefined;',
    caughtBy: [by('window-damage.test.ts')],
  },
  {
    name: 'window-pages-uncounted',
    what: 'pages of a window that are gone are not missed',
    file: src('partition/window-reader.ts'),
    text: 'if (found === expected) return;',
    instead: 'if (found <= expected) return;',
    caughtBy: [by('window-damage.test.ts')],
  },
  {
    name: 'segment-block-unchecked',
    what: 'blocks of a segment are not checked',
    file: src('segment/reader.ts'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
    text: 'if (!isIntact(bytes)) throw corrupt(ranges.name, `the ${what} at ${range.offset} fails its checksum`);',
    instead: '',
    caughtBy: [by('segment/segment.test.ts')],
  },
  {
    name: 'segment-index-unchecked',
    what: 'the index of a segment is not checked',
    file: src('segment/reader.ts'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
    text: 'if (!isIntact(page)) throw corrupt(ranges.name, `the index at ${range.offset} fails its checksum`);',
    instead: '',
    caughtBy: [by('segment/segment.test.ts')],
  },
  {
    name: 'segment-footer-unchecked',
    what: 'the footer of a segment is not checked',
    file: src('segment/reader.ts'),
    text: "if (crc32c(footer) !== crc) throw corrupt(name, 'the footer fails its checksum');",
    instead: '',
    caughtBy: [by('segment/segment.test.ts')],
  },
  {
    name: 'manifest-unchecked',
    what: 'manifests, and files of deletes, exemplars and metadata, are not checked',
    file: src('checked-file.ts'),
    text: 'if (new ByteReader(bytes, end).u32() !== crc32c(bytes, 0, end)) {',
    instead: 'if (bytes.length === 0) {',
    caughtBy: [by('tiering/manifest.test.ts'), by('deletes.test.ts'), by('exemplars/exemplars.test.ts')],
  },
  {
    name: 'disk-cache-of-another-object',
    what: 'the cache on the disk answers bytes of another object that lie under its name',
    file: src('object-store/piece.ts'),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a source
    text: 'crc32c(encoder.encode(`${object}\\0${number}\\0`))',
    instead: 'crc32c(encoder.encode(object.slice(0, 0) + number))',
    caughtBy: [by('object-store/disk-cache.fuzz.test.ts', { SEED: '1' })],
  },
  {
    name: 'disk-cache-unchecked',
    what: 'the cache on the disk does not check what it answers',
    file: src('object-store/piece.ts'),
    text: 'return checksum(object, number, bytes) === said ? bytes : undefined;',
    instead: 'return said >= 0 ? bytes : undefined;',
    caughtBy: [by('object-store/disk-cache.fuzz.test.ts', { SEED: '1' })],
  },
];
