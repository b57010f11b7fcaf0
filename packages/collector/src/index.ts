export { type DiscoveryFiles, nodeDiscoveryFiles } from './discovery/discovery-files.ts';
export type { TargetGroup } from './discovery/group.ts';
export { type HostCollector, type HostCollectorOptions, startHostCollector } from './host/host-collector.ts';
export { type FilesystemNumbers, type HostFiles, nodeHostFiles } from './host/host-files.ts';
export {
  type FileSdConfig,
  type HttpSdConfig,
  type ReadScrapeConfigs,
  readScrapeConfigs,
  type ScrapeConfig,
  type ScrapeDefaults,
} from './scrape/config.ts';
export type { ConfigPath, ConfigProblem } from './scrape/config-reader.ts';
export {
  type NodeScrapeFetch,
  nodeScrapeFetch,
  type ScrapeFetch,
  type ScrapeRequest,
  type ScrapeResponse,
} from './scrape/fetch.ts';
export type { CredentialFiles, HttpClientConfig, TextOrFile, TlsConfig } from './scrape/http-client.ts';
export type { DroppedTarget, TargetStatus } from './scrape/pool.ts';
export { type ScrapeManager, type ScrapeManagerOptions, startScrapeManager } from './scrape/scrape-manager.ts';
