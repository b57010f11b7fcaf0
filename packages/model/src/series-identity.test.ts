import { createHash } from 'node:crypto';
import { SipHash128 } from '@tidemark/base';
import { expect, test } from 'vitest';
import { encodeLabels, labelsOf } from './labels.ts';
import { benchSeriesId } from './series-identity.bench.ts';
import { SERIES_ID_LENGTH, seriesId } from './series-identity.ts';

const KEY = new Uint8Array(32).fill(7);
const UP = encodeLabels(labelsOf({ __name__: 'up' }));

test('an id is SipHash of tenant and canonical labels, with a key of its own', () => {
  const secret = createHash('sha256').update('tidemark series id').update(KEY).digest().subarray(0, 16);
  const plain = new SipHash128(secret).hash(Uint8Array.of(4), Buffer.concat([Buffer.from('acme'), UP]));
  expect(seriesId(KEY, 'acme', UP)).toEqual(plain);
  expect(seriesId(KEY, 'acme', UP)).toEqual(seriesId(KEY, 'acme', UP));
  expect(plain.length).toBe(SERIES_ID_LENGTH);
});

test('an id stays what it is', () => {
  expect(Buffer.from(seriesId(KEY, 'acme', UP)).toString('hex')).toBe('523a97d670e4c812db2f00c8895c390e');
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

test('the bench runs', () => {
  const { sipHash, hmac } = benchSeriesId(2);
  expect(sipHash > 0 && hmac > 0).toBe(true);
});
