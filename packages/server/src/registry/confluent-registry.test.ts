import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SAMPLE_SCHEMA } from '@tidemark/model';
import { describe, expect, test } from 'vitest';
import { ConfluentRegistry } from './confluent-registry.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const json =
  (status: number, body: unknown): Answer =>
  (_, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
const page: Answer = (_, response) =>
  void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');

/** A registry that answers as told, in turn; the last answer stays. */
async function asking<T>(
  answers: readonly Answer[],
  ask: (registry: ConfluentRegistry, asked: string[]) => Promise<T>,
) {
  const asked: string[] = [];
  const left = [...answers];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    const answer = (left.length > 1 ? left.shift() : left[0]) as Answer;
    answer(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    return await ask(new ConfluentRegistry({ url, username: 'u', password: 'secret', timeoutMs: 500 }), asked);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );

test('a schema by its id, with credentials', () =>
  asking([json(200, { schema: SAMPLE_SCHEMA })], async (registry, asked) => {
    expect(await registry.byId(3)).toBe(SAMPLE_SCHEMA);
    expect(asked[0]).toMatch(/^GET \/schemas\/ids\/3\?subject= Basic dTpzZWNyZXQ=$/);
  }));

describe('what is no schema', () => {
  test.each<[string, Answer, string]>([
    ['no such id', json(404, { error_code: 40403, message: 'Schema not found' }), 'SCHEMA_UNKNOWN'],
    [
      'a schema of another language',
      json(200, { schema: 'message A {}', schemaType: 'PROTOBUF' }),
      'SCHEMA_INCOMPATIBLE',
    ],
    ['one that refers to others', json(200, { schema: '{}', references: [{ name: 'a' }] }), 'SCHEMA_MALFORMED'],
    ['a huge one', json(200, { schema: 'x'.repeat(2_000_000) }), 'SCHEMA_MALFORMED'],
    ['a page of a proxy', page, 'REGISTRY_UNREACHABLE'],
    ['a page that is not there', (_, response) => void response.writeHead(404).end('<html>'), 'REGISTRY_UNREACHABLE'],
    ['no JSON', json(200, '{"schema": '), 'REGISTRY_UNREACHABLE'],
    ['another JSON', json(200, { hello: 1 }), 'REGISTRY_UNREACHABLE'],
    ['null', json(200, 'null'), 'REGISTRY_UNREACHABLE'],
    ['an error of its own', json(500, { error_code: 50001, message: 'store is down' }), 'REGISTRY_UNREACHABLE'],
    ['wrong credentials', json(401, { error_code: 40101, message: 'Unauthorized' }), 'REGISTRY_UNREACHABLE'],
    ['silence', () => undefined, 'REGISTRY_UNREACHABLE'],
    ['a connection cut', (request) => void request.socket.destroy(), 'REGISTRY_UNREACHABLE'],
  ])('%s', (_, answer, code) =>
    asking([answer], async (registry) => {
      expect(await codeOf(registry.byId(3))).toBe(code);
    }),
  );

  test.each<[string, Answer]>([
    ['there is no such page', (_, response) => void response.writeHead(404).end('<html>')],
    ['there is a page of another kind', page],
    ['there is another API of a registry', json(404, { error_code: 404, message: 'Could not find resource' })],
    ['a server that is no registry answers', json(404, { error: 'RESTEASY003210: no resource', status: 404 })],
  ])('%s: the error names the setting, and the path that Apicurio wants', (_, answer) =>
    asking([answer], async (registry) => {
      const says = /registry\.url.*\/apis\/ccompat\/v7/;
      await expect(registry.byId(3)).rejects.toThrow(says);
      await expect(registry.register('s', SAMPLE_SCHEMA, 'FULL_TRANSITIVE')).rejects.toThrow(says);
      await expect(registry.byId(3)).rejects.not.toThrow(/Unknown error|code: -1/i);
    }),
  );

  test('a registry that is away', async () => {
    const registry = new ConfluentRegistry({ url: 'http://127.0.0.1:9', username: '', password: '', timeoutMs: 500 });
    expect(await codeOf(registry.byId(3))).toBe('REGISTRY_UNREACHABLE');
  });

  test('what was wrong once is not kept', () =>
    asking([page, json(200, 'null'), json(200, { schema: '"string"' })], async (registry) => {
      expect(await codeOf(registry.byId(3))).toBe('REGISTRY_UNREACHABLE');
      expect(await codeOf(registry.byId(3))).toBe('REGISTRY_UNREACHABLE');
      expect(await registry.byId(3)).toBe('"string"');
    }));

  test('whoever gives up does not wait', () =>
    asking([() => undefined], async (registry) => {
      const startMs = performance.now();
      await expect(registry.byId(3, AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
      expect(performance.now() - startMs).toBeLessThan(450);
    }));
});

describe('registering', () => {
  const none = json(404, { error_code: 40408, message: 'no compatibility for this subject' });

  test.each<[string, Answer]>([
    ['says that there is none', none],
    ['says NONE', json(200, { compatibilityLevel: 'NONE' })],
  ])('sets the compatibility of a subject where the registry %s', (_, compatibility) =>
    asking(
      [compatibility, json(200, { compatibility: 'FULL_TRANSITIVE' }), json(200, { id: 12 })],
      async (registry, asked) => {
        expect(await registry.register('tidemark.samples-value', SAMPLE_SCHEMA, 'FULL_TRANSITIVE')).toBe(12);
        expect(asked.map((each) => each.split(' ').slice(0, 2).join(' '))).toEqual([
          'GET /config/tidemark.samples-value',
          'PUT /config/tidemark.samples-value',
          'POST /subjects/tidemark.samples-value/versions?normalize=false',
        ]);
      },
    ),
  );

  test('leaves a compatibility that somebody chose', () =>
    asking([json(200, { compatibilityLevel: 'BACKWARD' }), json(200, { id: 12 })], async (registry, asked) => {
      await registry.register('s', SAMPLE_SCHEMA, 'FULL_TRANSITIVE');
      expect(asked).toHaveLength(2);
    }));

  test.each<[string, Answer, string]>([
    ['not compatible', json(409, { error_code: 409, message: 'incompatible' }), 'SCHEMA_REFUSED'],
    ['not valid', json(422, { error_code: 42201, message: 'invalid' }), 'SCHEMA_REFUSED'],
    ['a page', page, 'REGISTRY_UNREACHABLE'],
  ])('%s', (_, answer, code) =>
    asking([json(200, { compatibilityLevel: 'FULL' }), answer], async (registry) => {
      expect(await codeOf(registry.register('s', SAMPLE_SCHEMA, 'FULL_TRANSITIVE'))).toBe(code);
    }),
  );
});
