import { expect, test } from 'vitest';
import type { QueryResult } from '../api/types.ts';
import { filesystemRows } from './filesystem-rows.ts';

function answer(...mounts: readonly (readonly [string, string, string])[]): QueryResult {
  const result = mounts.map(([device, mountpoint, value]) => ({
    metric: { device, mountpoint, fstype: 'ext4' },
    value: [1, value] as const,
  }));
  return { resultType: 'vector', result };
}

test('size and free space of a mount become one row', () => {
  const rows = filesystemRows(answer(['/dev/a', '/', '1000']), answer(['/dev/a', '/', '250']));
  expect(rows).toEqual([
    { mountpoint: '/', device: '/dev/a', fstype: 'ext4', sizeBytes: 1000, availBytes: 250, usedPercent: 75 },
  ]);
});

test('a mount without free space told, of no size, or of unreadable size is left out', () => {
  const size = answer(['/dev/a', '/', '1000'], ['/dev/b', '/b', '0'], ['/dev/c', '/c', 'NaN']);
  expect(filesystemRows(size, answer(['/dev/b', '/b', '0'], ['/dev/c', '/c', '1']))).toEqual([]);
});
