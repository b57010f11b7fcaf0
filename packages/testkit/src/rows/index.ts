export {
  bitsOf,
  numberOf,
  type OracleAnswer,
  type OracleBatch,
  type OracleRules,
  type OracleSample,
  oracle,
  type RowNumbers,
  rowText,
} from './row-oracle.ts';
export { linesOf, makeBatches, NewestRows, type Revision, sampleBatchOf, type Workload } from './row-workload.ts';
