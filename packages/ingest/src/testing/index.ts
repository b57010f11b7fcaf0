export { snappyBlock, snappyLiteral } from './snappy-block.ts';
export {
  type RequestMetadata,
  type RequestSample,
  type RequestSeries,
  writeRequest,
} from './write-request.ts';
