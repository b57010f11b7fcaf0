import {
  ByteWriter,
  crc32c,
  ProtoCursor,
  readInt64,
  readLength,
  readTag,
  SelfMetrics,
  SnappyDecoder,
  skipField,
  snappyBlock,
  systemClock,
} from '@tidemark/base';
import { labelsOf, labelValue, type SelectRequest, type SeriesSource } from '@tidemark/model';
import { afterEach, expect, test } from 'vitest';
import { Executor, QueryService } from '../src/index.ts';
import { serveApi } from './api-server.ts';

// Remote read over HTTP, as a Prometheus asks it.

const SERIES = ['b', 'a'].map((job, i) => ({
  labels: labelsOf({ __name__: 'up', job }),
  timestampsMs: Float64Array.of(1000, 2000, 3000),
  values: Float64Array.of(i, 2.5, Number.NaN),
}));

let asked: SelectRequest[] = [];
let tooMany: Error | undefined;
let heavy = 1;
const nothing = async () => ({ series: [], warnings: [] });
const source: SeriesSource = {
  async select(request) {
    if (tooMany) throw tooMany;
    asked.push(request);
    const { matchers, range } = request;
    const series = SERIES.filter(({ labels }) => matchers.every((m) => m.matches(labelValue(labels, m.name)))).map(
      (one) => {
        const kept = [...one.timestampsMs.keys()].filter((i) => {
          const time = one.timestampsMs[i] as number;
          return time >= range.startMs && time < range.endMs;
        });
        const repeated = Array.from({ length: heavy }, (_, n) => kept.map((i) => [i, n] as const)).flat();
        return {
          labels: one.labels,
          timestampsMs: Float64Array.from(repeated, ([i, n]) => (one.timestampsMs[i] as number) + n * 1_000_000),
          values: Float64Array.from(repeated, ([i, n]) => (one.values[i] as number) + Math.sin(n)),
        };
      },
    );
    return { series, warnings: [] };
  },
  selectRows: nothing,
  series: nothing,
  labelNames: nothing,
  labelValues: nothing,
};

let close = async () => {
  await Promise.resolve();
};
afterEach(async () => {
  await close();
  asked = [];
  tooMany = undefined;
  heavy = 1;
});

async function api(timeoutMs = 5000) {
  const clock = systemClock;
  const limits = { seriesMax: 100, samplesMax: 10_000_000 };
  const metrics = new SelfMetrics();
  const executor = new Executor({ source, clock, lookbackMs: 300_000, ...limits });
  const freshness = { caughtUp: async () => true };
  const service = new QueryService({
    executor,
    source,
    freshness,
    clock,
    metrics,
    timeoutMs,
    concurrency: 1,
    ...limits,
  });
  const server = await serveApi(
    service,
    () => 10_000,
    () => labelsOf({ site: 'here' }),
  );
  close = server.close;
  return {
    url: server.url,
    unread: () => Number(/^tidemark_query_unread_bytes (\d+)/m.exec(metrics.expose())?.[1]),
    read: (body: Uint8Array, headers: Record<string, string> = {}) =>
      fetch(`${server.url}/read`, {
        method: 'POST',
        body: Buffer.from(body),
        headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', ...headers },
      }),
  };
}

interface Query {
  readonly from?: number;
  readonly to?: number;
  /** Type, name, value. */
  readonly matchers: readonly (readonly [number, string, string])[];
}

function message(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.finish();
}

function requestOf(queries: readonly Query[], types: readonly number[] = []): Uint8Array {
  return snappyBlock(
    message((out) => {
      for (const { from = 0, to = 10_000, matchers } of queries) {
        out.u8(0x0a);
        out.lengthPrefixed(
          message((query) => {
            query.u8(0x08);
            query.uvarint(from);
            query.u8(0x10);
            query.uvarint(to);
            for (const [type, name, value] of matchers) {
              query.u8(0x1a);
              query.lengthPrefixed(
                message((one) => {
                  one.u8(0x08);
                  one.uvarint(type);
                  one.u8(0x12);
                  one.text(name);
                  one.u8(0x1a);
                  one.text(value);
                }),
              );
            }
            // Hints, which are passed over.
            query.u8(0x22);
            query.lengthPrefixed(Uint8Array.of(0x08, 15));
          }),
        );
      }
      if (types.length > 0) {
        out.u8(0x12);
        out.lengthPrefixed(Uint8Array.from(types));
      }
    }),
  );
}

/** Fields of a message: numbers as they are, the rest as bytes. */
function fieldsOf(bytes: Uint8Array): [number, number | Uint8Array][] {
  const cursor = new ProtoCursor();
  cursor.over(bytes);
  const out: [number, number | Uint8Array][] = [];
  while (cursor.at < bytes.length) {
    const tag = readTag(cursor, bytes.length);
    const from = cursor.at;
    if ((tag & 7) === 0) out.push([tag >> 3, readInt64(cursor, bytes.length)]);
    else if ((tag & 7) === 2) {
      const end = readLength(cursor, bytes.length);
      out.push([tag >> 3, bytes.subarray(cursor.at, end)]);
      cursor.at = end;
    } else {
      skipField(cursor, bytes.length, tag);
      out.push([tag >> 3, bytes.subarray(from, cursor.at)]);
    }
  }
  return out;
}

const inner = (bytes: Uint8Array, field: number) =>
  fieldsOf(bytes).flatMap(([at, value]) => (at === field && typeof value === 'object' ? [value] : []));
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
const labels = (series: Uint8Array) =>
  inner(series, 1).map((one) => `${text(inner(one, 1)[0])}=${text(inner(one, 2)[0])}`);

async function samplesOf(response: Response) {
  const decoder = new SnappyDecoder({ decodedBytesMax: 1e9, keepBytes: 0 });
  const whole = decoder.decode(new Uint8Array(await response.arrayBuffer()));
  return inner(whole, 1).map((result) =>
    inner(result, 1).map((series) => ({
      labels: labels(series),
      samples: inner(series, 2).map((sample) => {
        const [[, value], [, time]] = fieldsOf(sample) as [[number, Uint8Array], [number, number]];
        return [time, Buffer.from(value).readDoubleLE()];
      }),
    })),
  );
}

async function framesOf(response: Response): Promise<Uint8Array[]> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  const cursor = new ProtoCursor();
  cursor.over(bytes);
  const frames: Uint8Array[] = [];
  while (cursor.at < bytes.length) {
    const end = readLength(cursor, bytes.length - 4) + 4;
    const sum = cursor.view.getUint32(cursor.at);
    const frame = bytes.subarray(cursor.at + 4, end);
    expect(crc32c(frame)).toBe(sum);
    frames.push(frame);
    cursor.at = end;
  }
  return frames;
}

const UP: Query = { matchers: [[0, '__name__', 'up']] };

test('samples, where nothing else is asked for: series by labels, our own label where there is none', async () => {
  const { read } = await api();
  const response = await read(
    requestOf([
      UP,
      {
        from: 2000,
        to: 2000,
        matchers: [
          [0, '__name__', 'up'],
          [2, 'job', 'a|c'],
        ],
      },
    ]),
  );
  expect([response.status, response.headers.get('content-type'), response.headers.get('content-encoding')]).toEqual([
    200,
    'application/x-protobuf',
    'snappy',
  ]);
  expect(await samplesOf(response)).toEqual([
    [
      {
        labels: ['__name__=up', 'job=a', 'site=here'],
        samples: [
          [1000, 1],
          [2000, 2.5],
          [3000, Number.NaN],
        ],
      },
      {
        labels: ['__name__=up', 'job=b', 'site=here'],
        samples: [
          [1000, 0],
          [2000, 2.5],
          [3000, Number.NaN],
        ],
      },
    ],
    [{ labels: ['__name__=up', 'job=a', 'site=here'], samples: [[2000, 2.5]] }],
  ]);
});

test('who says our own label means what has none', async () => {
  const { read } = await api();
  expect(await samplesOf(await read(requestOf([{ matchers: [...UP.matchers, [0, 'site', 'here']] }])))).toMatchObject([
    [{}, {}],
  ]);
  expect(await samplesOf(await read(requestOf([{ matchers: [...UP.matchers, [0, 'site', 'there']] }])))).toEqual([[]]);
});

test('chunks, where they are accepted first: a frame a series, each with its sum', async () => {
  const { read } = await api();
  const response = await read(
    requestOf(
      [
        { ...UP, to: 2000 },
        { ...UP, from: 3000 },
      ],
      [7, 1, 0],
    ),
  );
  expect([response.status, response.headers.get('content-type'), response.headers.get('content-encoding')]).toEqual([
    200,
    'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse',
    null,
  ]);
  const frames = (await framesOf(response)).map((frame) => {
    const [series] = inner(frame, 1) as [Uint8Array];
    const chunks = inner(series, 2).map((chunk) =>
      fieldsOf(chunk)
        .slice(0, 3)
        .map(([, value]) => value),
    );
    return [labels(series)[1], chunks, fieldsOf(frame).find(([field]) => field === 2)?.[1] ?? 0];
  });
  expect(frames).toEqual([
    ['job=a', [[1000, 2000, 1]], 0],
    ['job=b', [[1000, 2000, 1]], 0],
    ['job=a', [[3000, 3000, 1]], 1],
    ['job=b', [[3000, 3000, 1]], 1],
  ]);
});

test('a long series is several frames, of a megabyte or a little more', async () => {
  heavy = 100_000;
  const { read } = await api();
  const frames = await framesOf(await read(requestOf([{ matchers: [...UP.matchers, [0, 'job', 'a']] }], [1])));
  expect(frames.length).toBeGreaterThan(1);
  for (const frame of frames) expect(frame.length).toBeLessThan(1.1e6);
  const counts = frames.flatMap((frame) =>
    inner(inner(frame, 1)[0] as Uint8Array, 2).map((chunk) =>
      Buffer.from(inner(chunk, 4)[0] as Uint8Array).readUInt16BE(),
    ),
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(300_000);
});

test.each<[string, Uint8Array, RegExp]>([
  ['no snappy', Buffer.from('hello'), /snappy/],
  ['no protobuf', snappyBlock(Uint8Array.of(0x0a, 0x50)), /protobuf/],
  ['a regex that is none', requestOf([{ matchers: [[2, 'a', '(']] }]), /regex/],
  ['a matcher of no type', requestOf([{ matchers: [[9, 'a', 'b']] }]), /type 9/],
  ['nothing that must be there', requestOf([{ matchers: [[1, 'a', 'b']] }]), /at least one matcher/],
  ['a type of answer that nobody knows', requestOf([UP], [5]), /response types 5/],
])('refused with 400: %s', async (_, body, why) => {
  const { read } = await api();
  const response = await read(body);
  expect([response.status, response.headers.get('content-type')]).toEqual([400, 'text/plain; charset=utf-8']);
  expect(await response.text()).toMatch(why);
  expect(asked).toEqual([]);
});

test('another method: 405; what we do not know of: 500 without a stack', async () => {
  const { url, read } = await api();
  const got = await fetch(`${url}/read`);
  expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
  tooMany = new Error('broken');
  const broken = await read(requestOf([UP]));
  expect([broken.status, await broken.text()]).toEqual([500, 'broken\n']);
});

test('a reader that goes gives place and memory back', async () => {
  heavy = 1_000_000;
  const { read, unread } = await api();
  const response = await read(requestOf([UP], [1]));
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  expect(unread()).toBeGreaterThan(6_000_000 * 16);
  await reader.cancel();
  while (unread() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  heavy = 1;
  expect((await read(requestOf([UP]))).status).toBe(200);
});
