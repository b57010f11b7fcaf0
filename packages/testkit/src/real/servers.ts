import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

// The servers of other people that tests run against: which version, and where `node scripts/setup.mjs --test` puts them.
// servers.json says it to both: the script that fetches is plain JavaScript for any Node and imports nothing of ours.

interface Servers {
  readonly kafka: { readonly folder: string; readonly version: string; readonly image: string };
  readonly kafkaStreams: { readonly folder: string; readonly version: string };
  readonly schemaRegistry: { readonly folder: string; readonly version: string; readonly image: string };
  readonly s3: { readonly folder: string; readonly version: string };
  readonly pythonClient: { readonly folder: string; readonly version: string };
}

// Named from the package's root, so that it is the same file from src/ and from dist/.
const file = new URL('../../src/real/servers.json', import.meta.url);
export const SERVERS = JSON.parse(readFileSync(file, 'utf8')) as Servers;

/** Programs that tests need and no npm package carries: outside the clone, as scripts/lib/project.mjs has it. */
export function cacheFolder(): string {
  return process.env['TIDEMARK_CACHE'] || join(homedir(), '.cache', 'tidemark');
}

/** The folder of a server in the cache, or undefined when it was not fetched. */
export function cachedServer(name: keyof Servers): string | undefined {
  const folder = join(cacheFolder(), SERVERS[name].folder);
  return existsSync(folder) ? folder : undefined;
}
