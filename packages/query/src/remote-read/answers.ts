import type { ServerResponse } from 'node:http';
import { ByteWriter, crc32c, snappyBlock, TidemarkError } from '@tidemark/base';
import type { Labels, SelectedSeries } from '@tidemark/model';
import { writePiece } from '../http/write-piece.ts';
import { seriesChunks } from './chunk/series-chunks.ts';
import { writeChunk, writeChunkedResponse, writeInFirst, writeLabels, writeSamples } from './messages.ts';

// The two ways in which remote read answers.
//
//   samples   one snappy block around a ReadResponse
//   chunks    frame*            frame := length uvarint | crc32c u32be | ChunkedReadResponse        both of the message
//
// Of chunks a frame has one series, or a part of it; series stand in the order of their labels.

/** Series of one query, in the order of their labels. */
export type SeriesOfQuery = readonly SelectedSeries[];

// 1 MiB: what Prometheus puts in a frame before it begins another, and far below what it reads.
const FRAME_BYTES = 1024 * 1024;
// 256 MiB: it is in memory whole, as samples and packed. Chunks have no such limit.
const SAMPLES_BYTES_MAX = 256 * 1024 * 1024;
const PIECE_BYTES = 65_536;

/** Throws `READ_ANSWER_TOO_LARGE`, `QUERY_CANCELED`. `external` labels are added where a series has none of that name. */
export async function answerSamples(
  response: ServerResponse,
  queries: readonly SeriesOfQuery[],
  external: Labels,
): Promise<void> {
  const [whole, result, series] = [new ByteWriter(), new ByteWriter(), new ByteWriter()];
  for (const list of queries) {
    for (const one of list) {
      writeLabels(series, withExternal(one.labels, external));
      writeSamples(series, one);
      writeInFirst(result, series);
      if (whole.length + result.length > SAMPLES_BYTES_MAX) throw tooLarge();
      await letOthersHaveTheirTurn();
    }
    writeInFirst(whole, result);
  }
  const packed = snappyBlock(whole.view());
  response.setHeader('content-type', 'application/x-protobuf');
  response.setHeader('content-encoding', 'snappy');
  for (let at = 0; at < packed.length; at += PIECE_BYTES) {
    await writePiece(response, packed.subarray(at, at + PIECE_BYTES));
  }
  response.end();
}

/** Throws `QUERY_CANCELED`. `external`: as in `answerSamples`. */
export async function answerChunks(
  response: ServerResponse,
  queries: readonly SeriesOfQuery[],
  external: Labels,
): Promise<void> {
  response.setHeader('content-type', 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse');
  const [message, series] = [new ByteWriter(), new ByteWriter()];
  const send = async (query: number) => {
    writeChunkedResponse(message, series, query);
    await writePiece(response, frameOf(message.view()));
    message.reset();
    await letOthersHaveTheirTurn();
  };
  for (const [query, list] of queries.entries()) {
    for (const one of list) {
      const labels = withExternal(one.labels, external);
      for (const chunk of seriesChunks(one)) {
        if (series.length === 0) writeLabels(series, labels);
        writeChunk(series, chunk);
        if (series.length >= FRAME_BYTES) await send(query);
      }
      if (series.length > 0) await send(query);
    }
  }
  response.end();
}

/** A copy: what is written may wait for its reader. */
function frameOf(message: Uint8Array): Uint8Array {
  const out = new ByteWriter(message.length + 16);
  out.uvarint(message.length);
  out.u32be(crc32c(message));
  out.raw(message);
  return out.view();
}

function withExternal(labels: Labels, external: Labels): Labels {
  const more = external.filter(({ name }) => !labels.some((label) => label.name === name));
  return more.length === 0 ? labels : [...labels, ...more].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function letOthersHaveTheirTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function tooLarge(): TidemarkError {
  return new TidemarkError(
    'READ_ANSWER_TOO_LARGE',
    `this answer is longer than ${SAMPLES_BYTES_MAX} bytes of samples; accept STREAMED_XOR_CHUNKS, or ask for less`,
    { limit: SAMPLES_BYTES_MAX },
  );
}
