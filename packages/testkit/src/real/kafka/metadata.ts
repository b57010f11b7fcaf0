import { connect } from 'node:net';

// What a broker says about itself: one Metadata request (version 7, no topics) over a socket of its own, without any client.
// Independent of the product's client on purpose: readiness must not depend on what is under test.
//
//   request  := length i32 | key i16 = 3 | version i16 = 7 | correlation i32 | client id string | topics i32 = 0 | auto-create u8 = 0
//   response := length i32 | correlation i32 | throttle i32 | brokers [ id i32, host string, port i32, rack string? ]
//             | cluster id string? | controller i32 | ...

export interface ClusterMetadata {
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
}

const METADATA = 3;
const VERSION = 7;
const CORRELATION = 1;
const CLIENT_ID = 'tidemark-testkit';
const ANSWER_BYTES_MAX = 1 << 20;

/** Asks the broker at `host:port`. Rejects when it does not answer in `timeoutMs`, or with anything else. */
export function clusterMetadata(host: string, port: number, timeoutMs = 2000): Promise<ClusterMetadata> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const pieces: Buffer[] = [];
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error(`${host}:${port} did not answer within ${timeoutMs} ms`)));
    socket.once('error', fail);
    socket.once('close', () => reject(new Error(`${host}:${port} closed the connection without an answer`)));
    socket.once('connect', () => socket.write(request()));
    socket.on('data', (piece) => {
      pieces.push(piece);
      const answer = Buffer.concat(pieces);
      if (answer.length < 4) return;
      const length = answer.readInt32BE(0);
      if (length < 0 || length > ANSWER_BYTES_MAX) return fail(new Error(`${host}:${port} speaks another protocol`));
      if (answer.length < 4 + length) return;
      try {
        resolve(decode(answer.subarray(4, 4 + length)));
      } catch (error) {
        reject(error);
      }
      socket.destroy();
    });
  });
}

function request(): Buffer {
  const body = Buffer.alloc(4 + 1); // no topics; do not create any
  const header = Buffer.alloc(4 + 2 + 2 + 4 + 2);
  header.writeInt32BE(header.length - 4 + CLIENT_ID.length + body.length, 0);
  header.writeInt16BE(METADATA, 4);
  header.writeInt16BE(VERSION, 6);
  header.writeInt32BE(CORRELATION, 8);
  header.writeInt16BE(CLIENT_ID.length, 12);
  return Buffer.concat([header, Buffer.from(CLIENT_ID), body]);
}

/** Throws a RangeError when it ends early. */
export function decode(answer: Buffer): ClusterMetadata {
  let at = 0;
  const i32 = () => {
    at += 4;
    return answer.readInt32BE(at - 4);
  };
  const text = () => {
    const length = answer.readInt16BE(at);
    at += 2 + Math.max(0, length);
    return length < 0 ? '' : answer.toString('utf8', at - length, at);
  };
  if (i32() !== CORRELATION) throw new Error('the answer belongs to another request');
  i32(); // throttle time
  const brokers = Array.from({ length: Math.min(i32(), 1000) }, () => {
    const broker = { id: i32(), host: text(), port: i32() };
    text(); // rack
    return broker;
  });
  return { brokers, clusterId: text(), controllerId: i32() };
}
