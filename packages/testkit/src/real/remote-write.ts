// A remote_write 1.0 sender written from the protocol's description, sharing nothing with the product.
//
//   body := snappy block (all literals) of WriteRequest
//   WriteRequest { repeated TimeSeries timeseries = 1 }
//   TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3;
//                repeated Histogram histograms = 4 }
//   Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3 }
//   Histogram { uint64 count_int = 1; double sum = 3; sint32 schema = 4; double zero_threshold = 5; uint64 zero_count_int = 6;
//               repeated BucketSpan positive_spans = 11; repeated sint64 positive_deltas = 12; int64 timestamp = 15 }
//   BucketSpan { sint32 offset = 1; uint32 length = 2 }
//   Label { string name = 1; string value = 2 }            Sample { double value = 1; int64 timestamp = 2 }

export interface SentSeries {
  /** With `__name__`; sorted here. */
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly timestampMs: number; readonly value: number }[];
  readonly exemplars?: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly timestampMs: number;
    readonly value: number;
  }[];
  readonly histograms?: readonly SentHistogram[];
}

/** A native histogram of whole counts, without negative buckets. */
export interface SentHistogram {
  readonly timestampMs: number;
  readonly schema: number;
  readonly sum: number;
  /** One behind the other, the first of this index. */
  readonly first: number;
  readonly counts: readonly number[];
}

/** The request body as Prometheus would send it. */
export function encodeRemoteWrite(series: readonly SentSeries[]): Buffer<ArrayBuffer> {
  return snappyLiteral(Buffer.concat(series.map((one) => field(1, timeSeries(one)))));
}

/** Posts and returns the answer; throws when there is none (the process died, the port is closed). */
export async function sendRemoteWrite(
  url: string,
  series: readonly SentSeries[],
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
      ...headers,
    },
    body: encodeRemoteWrite(series),
  });
  return { status: response.status, text: await response.text() };
}

function timeSeries({ labels, samples, exemplars = [], histograms = [] }: SentSeries): Buffer {
  return Buffer.concat([
    ...pairs(labels),
    ...samples.map((sample) => field(2, point(1, sample))),
    ...exemplars.map((exemplar) => field(3, Buffer.concat([...pairs(exemplar.labels), point(2, exemplar)]))),
    ...histograms.map((histogram) => field(4, histogramMessage(histogram))),
  ]);
}

function histogramMessage({ timestampMs, schema, sum, first, counts }: SentHistogram): Buffer {
  const number = (at: number, value: bigint) => Buffer.concat([Buffer.of(at << 3), varint(value)]);
  const deltas = counts.map((count, i) => varint(zigzag(count - (counts[i - 1] ?? 0))));
  return Buffer.concat([
    number(1, BigInt(counts.reduce((all, one) => all + one, 0))),
    double(3, sum),
    number(4, zigzag(schema)),
    double(5, 0.001),
    number(6, 0n),
    field(11, Buffer.concat([number(1, zigzag(first)), number(2, BigInt(counts.length))])),
    field(12, Buffer.concat(deltas)),
    number(15, BigInt(timestampMs)),
  ]);
}

function zigzag(value: number): bigint {
  return BigInt(value >= 0 ? value * 2 : -value * 2 - 1);
}

/** Sorted by name. */
function pairs(labels: Readonly<Record<string, string>>): Buffer[] {
  const names = Object.keys(labels).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return names.map((name) =>
    field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(labels[name] ?? ''))])),
  );
}

/** A value as field `number`, and a time as the one behind it. */
function point(
  number: number,
  { value, timestampMs }: { readonly value: number; readonly timestampMs: number },
): Buffer {
  return Buffer.concat([
    double(number, value),
    Buffer.of((number + 1) << 3),
    varint(BigInt.asUintN(64, BigInt(timestampMs))),
  ]);
}

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = (number << 3) | 1;
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(BigInt(content.length)), content]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80n; value >>= 7n) bytes.push(Number(value & 0x7fn) | 0x80);
  bytes.push(Number(value));
  return Buffer.from(bytes);
}

/** Snappy's block format needs no compression: one literal with a four-byte length. */
function snappyLiteral(content: Buffer): Buffer<ArrayBuffer> {
  if (content.length === 0) return Buffer.of(0);
  const tag = Buffer.alloc(5);
  tag[0] = 63 << 2;
  tag.writeUInt32LE(content.length - 1, 1);
  return Buffer.concat([varint(BigInt(content.length)), tag, content]);
}
