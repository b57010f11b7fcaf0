export { type Choose, everyWorld } from './exhaustive.ts';
export { BUCKET_BOUNDS, hostTemplates, type Motion, type SeriesTemplate, targetLabels } from './gen/labels.ts';
export { NoisyFleet, type NoisyOptions, SERIES_PER_HOST } from './gen/noisy.ts';
export { type RecordedHost, type RecordedSeries, recordedHost } from './gen/recorded-host.ts';
export { Fleet, type FleetOptions, type FleetSeries, type Scrape } from './gen/samples.ts';
export { Oracle, type OracleLabel, type OracleMatcher, type OracleSeries } from './oracle.ts';
export { chooseSeed, replayCommand, rounds, timeLimit, withSeed } from './seed.ts';
