import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { AnswerStream } from './answer-stream.ts';
import { formatScalar, formatTime, formatValue, labelsJson } from './envelope.ts';
import { unescapeName } from './label-name.ts';

test.each([
  [1, '1'],
  [0.1, '0.1'],
  [-0, '-0'],
  [1e21, '1e+21'],
  [1e-7, '1e-07'],
  [-2.5e-10, '-2.5e-10'],
  [0.000001, '0.000001'],
  [123456789012345680000, '123456789012345680000'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])('value %d is written %s', (value, text) => expect(formatValue(value)).toBe(text));

test.each([
  [1e21, '1000000000000000000000'],
  [-1.25e22, '-12500000000000000000000'],
  [1.7976931348623157e308, `17976931348623157${'0'.repeat(292)}`],
  [1e-7, '0.0000001'],
  [-2.5e-10, '-0.00000000025'],
  [5e-324, `0.${'0'.repeat(323)}5`],
  [0.1, '0.1'],
  [-0, '-0'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])('scalar %d is written %s', (value, text) => expect(formatScalar(value)).toBe(text));

test('times are seconds with milliseconds', () => {
  expect(formatTime(1435781430781)).toBe('1435781430.781');
  expect(formatTime(1435781430000)).toBe('1435781430');
});

test('labels are an object in their order, __proto__ included', () => {
  const json = labelsJson([
    { name: '__name__', value: 'up' },
    { name: '__proto__', value: 'a"b' },
  ]);
  expect(json).toBe('{"__name__":"up","__proto__":"a\\"b"}');
});

test.each([
  ['job', 'job'],
  ['U__my_2e_name', 'my.name'],
  ['U__a__b', 'a_b'],
  ['U___1F600_', '\u{1f600}'],
  ['U__bad_zz_', 'U__bad_zz_'],
  ['U__bad_d800_', 'U__bad_d800_'],
])('%s in an address is %s', (escaped, name) => expect(unescapeName(escaped)).toBe(name));

/** Writes pieces without end to a client that reads nothing; returns how the writing ended and after how many pieces. */
async function writeTo(stallMs: number, onConnected: (client: Socket) => void) {
  let pieces = 0;
  const ended = Promise.withResolvers<unknown>();
  const server = createServer((_request, response) => {
    const out = new AnswerStream(response, stallMs);
    const write = async () => {
      for (; pieces < 100_000; pieces++) await out.write('x'.repeat(65_536));
    };
    write().then(() => ended.resolve('written'), ended.resolve);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.pause();
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n', () => onConnected(client));
  const how = await ended.promise;
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  return { how, pieces };
}

test('a client that goes away in the middle: what is left is not made', async () => {
  const { how, pieces } = await writeTo(60_000, (client) => setTimeout(() => client.destroy(), 100));
  expect(how).toMatchObject({ code: 'QUERY_CANCELED' });
  expect(pieces).toBeLessThan(1000);
});

test('a client that reads nothing for too long is let go', async () => {
  const { how, pieces } = await writeTo(100, () => undefined);
  expect(how).toMatchObject({ code: 'QUERY_CANCELED' });
  expect(pieces).toBeLessThan(1000);
});
