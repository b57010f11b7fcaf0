import { expect, test } from 'vitest';
import { packingFor } from './accept-encoding.ts';

test.each<[string | undefined, string | undefined]>([
  [undefined, undefined],
  ['', undefined],
  ['gzip', 'gzip'],
  ['gzip, deflate', 'gzip'],
  ['gzip, deflate, br, zstd', 'zstd'],
  ['GZIP;Q=0.5', 'gzip'],
  ['x-gzip', 'gzip'],
  ['gzip;q=1, zstd;q=0.8', 'gzip'],
  ['zstd;q=0, *', 'gzip'],
  ['*', 'gzip'],
  ['*;q=0', undefined],
  ['gzip;q=0', undefined],
  ['gzip;q=0, *;q=1', undefined],
  ['identity', undefined],
  ['identity;q=1, gzip;q=0.5', undefined],
  ['identity;q=0.5, gzip;q=1', 'gzip'],
  ['deflate, br', undefined],
  ['gzip;q=much', undefined],
  ['gzip;q=2', undefined],
])('%s: %s', (accept, packing) => expect(packingFor(accept)).toBe(packing));
