export { snappyBlock, snappyLiteral } from '@tidemark/base';
export { type RequestHistogram, writeHistogramMessage } from './histogram-message.ts';
export {
  message,
  type RequestMetadata,
  type RequestSample,
  type RequestSeries,
  writeRequest,
  writeSample,
  writeSeries,
} from './write-request.ts';
