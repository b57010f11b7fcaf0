// Servers that tests and `npm run kafka-stack` run against: Kafka and a schema registry as jars from Maven, an S3 server built by Go; and
// what the Python example imports. Which versions: packages/testkit/src/real/servers.json. Each gets a folder of its own in
// the cache, whole or absent:
//
//   <cache>/kafka-4.3.1/*.jar   <cache>/apicurio-registry-3.0.9/*.jar, lib/   <cache>/versitygw-1.8.0/versitygw
//   <cache>/kafka-streams-4.3.1/*.jar (what our own streams are compared with)   <cache>/confluent-kafka-2.16.1/confluent_kafka/, ...
//
// For the stack, what a variable names (KAFKA_BROKERS, SCHEMA_REGISTRY_URL, S3_ENDPOINT) is not fetched. For tests all of it is,
// whatever variables say: of each server there are tests that kill, pause or configure one of their own.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { onPath } from './on-path.mjs';
import { cacheFolder, root } from './project.mjs';
import { run, say, tail } from './run.mjs';

const HEARTBEAT_MS = 15_000;
const servers = JSON.parse(readFileSync(join(root, 'packages/testkit/src/real/servers.json'), 'utf8'));

const WANTED = [
  { ...servers.kafka, name: 'Kafka', variable: 'KAFKA_BROKERS', needs: ['mvn', 'java'], fetch: fetchKafka },
  {
    ...servers.kafkaStreams,
    name: 'Kafka Streams',
    needs: ['mvn', 'java', 'javac'],
    fetch: fetchKafka,
    testsOnly: true,
  },
  {
    ...servers.schemaRegistry,
    name: 'the schema registry',
    variable: 'SCHEMA_REGISTRY_URL',
    needs: ['mvn', 'java', 'tar'],
    fetch: fetchRegistry,
  },
  { ...servers.s3, name: 'the S3 server', variable: 'S3_ENDPOINT', needs: ['go'], fetch: buildS3 },
  {
    ...servers.pythonClient,
    name: 'a Kafka client for Python',
    needs: ['python3'],
    fetch: fetchPython,
    testsOnly: true,
  },
];

/** What of WANTED is not in the cache and is needed there: `env` with a server of its own makes up for it only outside of tests. */
export function serversToFetch({ forTests, env, isCached }) {
  const isNeeded = ({ variable, testsOnly }) => forTests || !(testsOnly || (variable && env[variable]));
  return WANTED.filter((each) => isNeeded(each) && !isCached(each.folder));
}

/**
 * Provides what is missing, all at once, and says what could not be had. The tests that need it fail by name; others run. With
 * `forTests: false` only the servers themselves.
 */
export async function provideServers({ forTests = true } = {}) {
  const missing = serversToFetch({
    forTests,
    env: process.env,
    isCached: (folder) => existsSync(join(cacheFolder, folder)),
  });
  if (missing.length === 0) return;
  const waiting = new Set(missing.map(({ name }) => name));
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1000);
  say(
    `Fetching ${[...waiting].join(', ')}. They go into ${cacheFolder}; building the S3 server takes minutes the first time.`,
  );
  const heartbeat = setInterval(
    () => say(`Still waiting for ${[...waiting].join(', ')} (${seconds()} s).`),
    HEARTBEAT_MS,
  );
  try {
    await Promise.all(
      missing.map(async (each) => {
        const problem = await provide(each, forTests);
        waiting.delete(each.name);
        say(problem ?? `Here is ${each.name} ${each.version} (${seconds()} s).`);
      }),
    );
  } finally {
    clearInterval(heartbeat);
  }
}

/** Undefined when it is there now, else a sentence. */
async function provide({ name, folder, variable, needs, fetch, ...what }, forTests) {
  const instead = variable ? otherwise(variable, forTests) : '';
  const lacking = needs.filter((program) => !onPath(program));
  if (lacking.length > 0) {
    return `For ${name} there is no ${lacking.join(', ')} on PATH; what needs it will fail.${instead}`;
  }
  mkdirSync(cacheFolder, { recursive: true });
  const draft = mkdtempSync(join(cacheFolder, '.draft-'));
  try {
    const files = join(draft, 'files');
    mkdirSync(files);
    const { code, output } = await fetch(what, draft, files);
    if (code !== 0 || readdirSync(files).length === 0) {
      return `${tail(output, 12)}\n${name} could not be had; what needs it will fail.${instead}`;
    }
    takeName(files, join(cacheFolder, folder));
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const otherwise = (variable, forTests) =>
  forTests
    ? ` With ${variable} set to one you have, only tests that start their own will.`
    : ` Or set ${variable} to one you have.`;

/** Whole or absent: the folder gets its name only now. Another clone's setup may have been faster; its folder is as good. */
function takeName(files, place) {
  try {
    renameSync(files, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
  }
}

function fetchKafka({ jars }, draft, files) {
  const dependencies = jars.map((each) => {
    const [groupId, artifactId, version] = each.split(':');
    return `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`;
  });
  writeFileSync(
    join(draft, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tidemark</groupId><artifactId>kafka-for-tests</artifactId><version>1</version>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`,
  );
  return maven(['dependency:copy-dependencies', `-DoutputDirectory=${files}`], draft);
}

async function fetchRegistry({ archive }, draft, files) {
  const fetched = await maven(['dependency:copy', `-Dartifact=${archive}`, `-DoutputDirectory=${draft}`], draft);
  const file = readdirSync(draft).find((each) => each.endsWith('.tar.gz'));
  if (fetched.code !== 0 || file === undefined) return { ...fetched, code: fetched.code || 1 };
  return run('tar', ['-xzf', join(draft, file), '-C', files]);
}

const maven = (args, cwd) => run('mvn', ['-q', '-B', '-ntp', ...args], { cwd });

function buildS3({ module }, draft, files) {
  return run('go', ['install', '-ldflags=-s -w', module], { cwd: draft, env: { GOBIN: files, GOFLAGS: '-mod=mod' } });
}

function fetchPython({ requirements }, _draft, files) {
  const args = ['-m', 'pip', 'install', '-q', '--target', files, '-r', join(root, requirements)];
  return run('python3', args, { env: { PIP_ROOT_USER_ACTION: 'ignore' } });
}
