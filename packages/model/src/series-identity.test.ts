import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeLabels, labelsOf } from './labels.ts';
import { SERIES_ID_LENGTH, seriesId } from './series-identity.ts';

const KEY = new Uint8Array(32).fill(7);
const UP = encodeLabels(labelsOf({ __name__: 'up' }));

test('an id is the first half of HMAC-SHA-256 over tenant and canonical labels', () => {
  const plain = createHmac('sha256', KEY)
    .update(Buffer.concat([Buffer.of(4), Buffer.from('acme'), UP]))
    .digest();
  expect(Buffer.from(seriesId(KEY, 'acme', UP))).toEqual(plain.subarray(0, SERIES_ID_LENGTH));
  expect(seriesId(KEY, 'acme', UP)).toEqual(seriesId(KEY, 'acme', UP));
});

test('another key, tenant or label set is another id', () => {
  const ids = [
    seriesId(KEY, 'acme', UP),
    seriesId(new Uint8Array(32).fill(8), 'acme', UP),
    seriesId(KEY, 'other', UP),
    seriesId(KEY, 'acme', encodeLabels(labelsOf({ __name__: 'down' }))),
  ].map((id) => Buffer.from(id).toString('hex'));
  expect(new Set(ids).size).toBe(ids.length);
});
