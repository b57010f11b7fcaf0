// A remote_write 1.0 sender written from the protocol's description, sharing nothing with the product.
//
//   body := snappy block (all literals) of WriteRequest
//   WriteRequest { repeated TimeSeries timeseries = 1 }    TimeSeries { repeated Label labels = 1; repeated Sample samples = 2 }
//   Label { string name = 1; string value = 2 }            Sample { double value = 1; int64 timestamp = 2 }

export interface SentSeries {
  /** With `__name__`; sorted here. */
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly timestampMs: number; readonly value: number }[];
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

function timeSeries({ labels, samples }: SentSeries): Buffer {
  const names = Object.keys(labels).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Buffer.concat([
    ...names.map((name) =>
      field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(labels[name] ?? ''))])),
    ),
    ...samples.map(({ timestampMs, value }) => {
      const double = Buffer.alloc(9);
      double[0] = (1 << 3) | 1;
      double.writeDoubleLE(value, 1);
      return field(
        2,
        Buffer.concat([double, Buffer.of((2 << 3) | 0), varint(BigInt.asUintN(64, BigInt(timestampMs)))]),
      );
    }),
  ]);
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
