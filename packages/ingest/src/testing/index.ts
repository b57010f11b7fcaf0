export { type RequestHistogram, writeHistogramMessage } from './histogram-message.ts';
export { snappyBlock, snappyLiteral } from './snappy-block.ts';
export {
  message,
  type RequestMetadata,
  type RequestSample,
  type RequestSeries,
  writeRequest,
  writeSample,
  writeSeries,
} from './write-request.ts';
