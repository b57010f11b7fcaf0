import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { SelfMetrics, seededRandom, silentLogger, systemClock } from '@tidemark/base';
import { formatLabels, isStale, sectionLabels } from '@tidemark/model';
import { expect, test } from 'vitest';
import { nodeScrapeFetch, readScrapeConfigs, startScrapeManager } from '../src/index.ts';

// Real HTTP on a loopback port: connections kept, gzip, redirects, credentials, answers cut off.

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

async function serving(handler: Handler) {
  let connections = 0;
  const server = createServer(handler);
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Scrapes every second until so many scrapes are there. */
async function scrapes(count: number, job: object) {
  const seen: Map<string, number>[] = [];
  const enough = Promise.withResolvers<void>();
  const manager = startScrapeManager({
    sink: {
      async append(batch) {
        const samples = new Map<string, number>();
        batch.sampleSeries.forEach((series, i) => {
          const value = batch.values[i] as number;
          if (!isStale(value)) samples.set(formatLabels(sectionLabels(batch.series, series)), value);
        });
        seen.push(samples);
        if (seen.length === count) enough.resolve();
        return { accepted: batch.values.length, refused: [] };
      },
    },
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics: new SelfMetrics(),
    tenant: 'default',
    parseYaml: () => undefined,
  });
  const { configs, problems } = readScrapeConfigs([
    { job_name: 'j', scrape_interval: '1s', relabel_configs: [{ target_label: 'instance', replacement: 'i' }], ...job },
  ]);
  expect(problems).toEqual([]);
  await manager.apply(configs);
  await enough.promise;
  const targets = manager.targets();
  await manager.close();
  return { seen, targets };
}

const SAMPLE = 'a{instance="i", job="j"}';
const UP = 'up{instance="i", job="j"}';

test('scrapes share a connection; gzip and credentials arrive', async () => {
  await using server = await serving((req, res) => {
    const wantsGzip = req.headers['accept-encoding'] === 'gzip' && req.headers.authorization === 'Bearer secret';
    res.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Type': 'application/openmetrics-text; version=1.0.0' });
    res.end(gzipSync(`a ${wantsGzip ? 1 : 0}\n# EOF\n`));
  });
  const { seen } = await scrapes(3, {
    static_configs: [{ targets: [server.address] }],
    authorization: { credentials: 'secret' },
  });
  expect(seen.map((samples) => [samples.get(SAMPLE), samples.get(UP)])).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  expect(server.connections()).toBe(1);
});

test('redirects are followed, without credentials to another host; or not followed when they must not', async () => {
  await using other = await serving((req, res) => res.end(`a ${req.headers.authorization === undefined ? 2 : 0}\n`));
  await using server = await serving((_, res) => res.writeHead(302, { Location: `http://${other.address}/x` }).end());
  const job = { static_configs: [{ targets: [server.address] }], basic_auth: { username: 'u', password: 'p' } };
  expect((await scrapes(1, job)).seen[0]?.get(SAMPLE)).toBe(2);
  const { seen, targets } = await scrapes(1, { ...job, follow_redirects: false });
  expect(seen[0]?.get(UP)).toBe(0);
  expect(targets[0]?.lastError).toBe('the target answered with HTTP status 302 Found');
});

test('a ring of redirects ends', async () => {
  await using server = await serving((_, res) => res.writeHead(302, { Location: '/again' }).end());
  const { targets } = await scrapes(1, { static_configs: [{ targets: [server.address] }] });
  expect(targets[0]?.lastError).toBe('stopped after 10 redirects');
});

test.each<[string, Handler, RegExp]>([
  [
    'cut off',
    (_, res) => res.writeHead(200, { 'Content-Length': '100' }).write('a 1\n', () => res.destroy()),
    /^the answer broke off after 4 bytes/,
  ],
  ['never begun', () => undefined, /^the target did not answer within 900 ms$/],
  [
    'begun and never ended',
    (_, res) => void res.writeHead(200).write('a 1\n'),
    /^the target did not answer within 900 ms$/,
  ],
  ['without end', (_, res) => flood(res), /^the answer is larger than body_size_limit, 1048576 bytes$/],
])('an answer %s is a failed scrape', async (_, handler, error) => {
  await using server = await serving(handler);
  const { seen, targets } = await scrapes(1, {
    static_configs: [{ targets: [server.address] }],
    scrape_timeout: '900ms',
    body_size_limit: '1MB',
  });
  expect([...(seen[0] ?? [])].filter(([, value]) => value !== 0)).toEqual([
    ['scrape_duration_seconds{instance="i", job="j"}', expect.any(Number)],
  ]);
  expect(targets[0]?.lastError).toMatch(error);
});

function flood(res: ServerResponse): void {
  const line = 'a 1\n'.repeat(4096);
  const more = () => {
    if (!res.destroyed) res.write(line, () => setImmediate(more));
  };
  more();
}

test('nobody there', async () => {
  const { targets } = await scrapes(1, { static_configs: [{ targets: ['127.0.0.1:1'] }] });
  expect(targets[0]).toMatchObject({ health: 'down', lastError: expect.stringContaining('ECONNREFUSED') });
});

test('a burst waits for its turn within socketsMax', async () => {
  let most = 0;
  let open = 0;
  await using server = await serving((_, res) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      res.end('a 1\n');
    }, 20);
  });
  const { fetch, close } = nodeScrapeFetch(2);
  const ask = async () => {
    const answer = await fetch({
      url: `http://${server.address}/metrics`,
      headers: {},
      followRedirects: true,
      signal: AbortSignal.timeout(10_000),
    });
    let text = '';
    for await (const piece of answer.body) text += Buffer.from(piece).toString();
    return text;
  };
  expect(new Set(await Promise.all(Array.from({ length: 10 }, ask)))).toEqual(new Set(['a 1\n']));
  expect(most).toBe(2);
  expect(server.connections()).toBe(2);
  close();
});

const TLS = join(import.meta.dirname, '../testdata/tls');
const [CERT_FILE, KEY_FILE] = [join(TLS, 'scraped.test.pem'), join(TLS, 'scraped.test.key')];

test('https: whom to trust, by which name, and who we are; credentials from a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-scrape-'));
  const server = createTlsServer(
    {
      cert: readFileSync(CERT_FILE),
      key: readFileSync(KEY_FILE),
      ca: readFileSync(CERT_FILE),
      requestCert: true,
      rejectUnauthorized: false,
    },
    (req, res) => {
      const isKnown = (req.socket as TLSSocket).authorized;
      res.end(`a ${req.headers.authorization !== 'Basic dTpw' ? 0 : isKnown ? 2 : 1}\n`);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await writeFile(join(folder, 'password'), 'p\n');
    const basic_auth = { username: 'u', password_file: join(folder, 'password') };
    const static_configs = [{ targets: [`127.0.0.1:${(server.address() as AddressInfo).port}`] }];
    const scraped = async (tls_config?: object) => {
      const job = { scheme: 'https', static_configs, basic_auth, ...(tls_config ? { tls_config } : {}) };
      const { seen, targets } = await scrapes(1, job);
      return seen[0]?.get(SAMPLE) ?? targets[0]?.lastError;
    };
    expect(await scraped()).toMatch(/self-signed certificate/);
    expect(await scraped({ ca_file: CERT_FILE })).toMatch(/does not match certificate/);
    expect(await scraped({ ca_file: CERT_FILE, server_name: 'scraped.test' })).toBe(1);
    expect(await scraped({ insecure_skip_verify: true })).toBe(1);
    const own = { cert_file: CERT_FILE, key_file: KEY_FILE, server_name: 'scraped.test' };
    expect(await scraped({ ca: readFileSync(CERT_FILE, 'utf8'), ...own })).toBe(2);
    expect(await scraped({ ca_file: join(folder, 'none.pem') })).toMatch(/none\.pem/);
    basic_auth.password_file = join(folder, 'none');
    expect(await scraped({ insecure_skip_verify: true })).toMatch(/ENOENT.*none/);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});

test('enable_compression: false asks for plain answers', async () => {
  await using server = await serving((req, res) =>
    res.end(`a ${req.headers['accept-encoding'] === 'identity' ? 1 : 0}\n`),
  );
  const { seen } = await scrapes(1, { static_configs: [{ targets: [server.address] }], enable_compression: false });
  expect(seen[0]?.get(SAMPLE)).toBe(1);
});

test('http_sd_configs: targets come from a server; what cannot be read keeps the last good ones', async () => {
  await using page = await serving((_req, res) => res.end('a 1\n'));
  const headers: unknown[] = [];
  let answer: (res: ServerResponse) => void = (res) => {
    res.setHeader('content-type', 'application/json; charset=utf-8');
    res.end(JSON.stringify([{ targets: [page.address], labels: { zone: 'z' } }]));
  };
  await using list = await serving((req, res) => {
    headers.push([req.headers['x-prometheus-refresh-interval-seconds'], req.headers.authorization]);
    answer(res);
  });
  const warnings: string[] = [];
  const manager = startScrapeManager({
    sink: { append: async (batch) => ({ accepted: batch.values.length, refused: [] }) },
    clock: systemClock,
    random: seededRandom(1),
    logger: { ...silentLogger, child: () => ({ ...silentLogger, warn: (message) => warnings.push(message) }) },
    metrics: new SelfMetrics(),
    tenant: 'default',
    parseYaml: () => undefined,
  });
  const until = async (done: () => boolean) => {
    const end = performance.now() + 20_000;
    while (!done()) {
      if (performance.now() > end) throw new Error(`not within 20 s: ${done}`);
      await systemClock.sleep(50);
    }
  };
  const url = `http://${list.address}/targets`;
  const { configs, problems } = readScrapeConfigs([
    { job_name: 'j', http_sd_configs: [{ url, refresh_interval: '1s', bearer_token: 't' }] },
  ]);
  expect(problems).toEqual([]);
  await manager.apply(configs);
  await until(() => manager.targets().length === 1);
  expect(formatLabels(manager.targets()[0]?.discoveredLabels ?? [])).toContain(`__meta_url="${url}"`);
  expect(formatLabels(manager.targets()[0]?.labels ?? [])).toBe(`{instance="${page.address}", job="j", zone="z"}`);
  expect(headers[0]).toEqual(['1', 'Bearer t']);
  answer = (res) => res.writeHead(500).end();
  await until(() => manager.problems().length === 1);
  expect(manager.problems()[0]).toMatch(/HTTP status 500; its last good targets stay/);
  expect([manager.targets().length, warnings]).toEqual([1, ['a list of targets cannot be used']]);
  answer = (res) => res.setHeader('content-type', 'application/json').end('[]');
  await until(() => manager.targets().length === 0);
  expect(manager.problems()).toEqual([]);
  await manager.close();
});
