import type { PlantedBug } from '../bug.ts';
import { by, crashPoints, oracle, src } from './places.ts';

// Deletes that are forgotten, and those that mean too much or too little.

export const DELETES: readonly PlantedBug[] = [
  {
    name: 'delete-forgotten-after-a-restart',
    what: 'a checkpoint passes the record of a delete without having saved it',
    file: src('deletes/tombstones.ts'),
    text: 'if (!this.#unsaved) return;',
    instead: 'if (this.#list.length >= 0) return;',
    caughtBy: [by('deletes.test.ts'), crashPoints(10)],
  },
  {
    name: 'delete-forgotten-after-compaction',
    what: 'what is written anew for a delete has what was deleted, and is marked clean',
    file: src('tiering/cleaning.ts'),
    text: 'if (erasures.length > 0) eraseEntries(columns, from, erasures);',
    instead: '',
    caughtBy: [by('deletes.test.ts'), oracle(400)],
  },
  {
    name: 'delete-retired-early',
    what: 'a delete is forgotten while a segment has what it deleted',
    file: src('deletes/tombstones.ts'),
    text: 'if (shard.sealed.some((entry) => concernsSegment(tombstone, shard, entry))) return true;',
    instead: '',
    caughtBy: [oracle(1500)],
  },
  {
    name: 'segment-marked-clean-unasked',
    what: 'a segment that has something of a delete is marked as if it had nothing',
    file: src('tiering/cleaning.ts'),
    text: "return 'has';",
    instead: "return 'clean';",
    caughtBy: [by('deletes.test.ts')],
  },
  {
    name: 'delete-ends-before-its-end',
    what: 'the sample at the end of a delete stays',
    file: src('deletes/erase.ts'),
    text: 'return time >= startMs && time <= endMs;',
    instead: 'return time >= startMs && time < endMs;',
    caughtBy: [by('deletes/erase.test.ts'), crashPoints(3)],
  },
  {
    name: 'delete-begins-after-its-start',
    what: 'the sample at the start of a delete stays',
    file: src('deletes/erase.ts'),
    text: 'return time >= startMs && time <= endMs;',
    instead: 'return time > startMs && time <= endMs;',
    caughtBy: [by('deletes/erase.test.ts'), crashPoints(3)],
  },
  {
    name: 'delete-takes-newer-rows',
    what: 'a delete takes rows that were made of what came after it as well',
    file: src('deletes/erase.ts'),
    text: 'return offset <= through && rowMs',
    instead: 'return offset <= through + 1 && rowMs',
    caughtBy: [by('deletes/erase.test.ts'), by('deletes.test.ts')],
  },
  {
    name: 'delete-misses-its-window',
    what: 'a window that ends right before a delete is not meant by it',
    file: src('deletes/tombstones.ts'),
    text: 'return window.frozen && window.frozenPosition <= tombstone.offset + 1;',
    instead: 'return window.frozen && window.frozenPosition <= tombstone.offset;',
    caughtBy: [by('deletes.test.ts')],
  },
  {
    name: 'delete-misses-its-segment',
    what: 'a segment that ends right before a delete is not meant by it',
    file: src('deletes/tombstones.ts'),
    text: 'entry.sealedThroughOffset <= tombstone.offset)',
    instead: 'entry.sealedThroughOffset < tombstone.offset)',
    caughtBy: [oracle(400)],
  },
  {
    name: 'delete-cuts-nothing',
    what: 'what is said again after a delete lies with what it deleted',
    file: src('deletes/cut.ts'),
    text: 'window.frozenPosition = offset + 1;',
    instead: 'void offset;',
    caughtBy: [by('deletes.test.ts'), oracle(400)],
  },
];
