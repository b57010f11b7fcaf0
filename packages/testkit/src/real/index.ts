export { type Alertmanager, runAmtool, startAlertmanager } from './alertmanager.ts';
export { type Chromium, findChromium, startChromium } from './chromium.ts';
export { type FaultyProxy, type ProxiedRequest, type ProxyFault, startFaultyProxy } from './faulty-proxy.ts';
export { findProgram, type ProgramSource } from './find-program.ts';
export { type Kafka, type KafkaOptions, type KafkaSecure, startKafka } from './kafka/kafka.ts';
export { type ClusterMetadata, clusterMetadata } from './kafka/metadata.ts';
export { unsecuredToken } from './kafka/properties.ts';
export { type NodeExporter, type NodeExporterOptions, startNodeExporter } from './node-exporter.ts';
export { freePort, listensOn } from './port.ts';
export { answers, type Exit, type ProcessOptions, RealProcess, runProgram, startProcess } from './process.ts';
export {
  findPromtool,
  type Prometheus,
  type PrometheusOptions,
  type PrometheusSeries,
  startPrometheus,
} from './prometheus.ts';
export { encodeRemoteWrite, type SentSeries, sendRemoteWrite } from './remote-write.ts';
export { type S3, type S3Options, startS3 } from './s3.ts';
export { type SchemaRegistry, type SchemaRegistryOptions, startSchemaRegistry } from './schema-registry.ts';
export { cachedServer } from './servers.ts';
export { sharedKafka, sharedSchemaRegistry } from './shared.ts';
export { type TempFolder, tempFolder } from './temp-folder.ts';
export { runTidemark, startTidemark, type Tidemark, type TidemarkOptions } from './tidemark.ts';
