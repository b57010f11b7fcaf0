import { join } from 'node:path';
import { freePort, startTidemark } from '@tidemark/testkit/real';
import { expect, test } from 'vitest';
import { ask, until, vector } from './http.ts';

// One process stores, another one answers: it may start first, and it says what it lacks while it lacks it.

const TEXT = `# HELP room_temperature How warm a room is.
# TYPE room_temperature gauge
room_temperature{room="a"} 21
room_temperature{room="b"} 19
doors_open{room="b"} 1
`;

async function answerOf(url: string, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, text: await response.text() };
}

test('a process that queries outlives and finds the one that stores', { timeout: 120_000 }, async () => {
  const port = await freePort();
  const stored = `http://127.0.0.1:${port}`;
  await using query = await startTidemark({
    args: ['--roles', 'query,ui'],
    env: { TIDEMARK_QUERY_STORES: stored },
    readyPath: '/-/healthy',
  });
  await until('it serves', 30_000, async () => {
    const ready = await answerOf(query.url, '/-/ready');
    expect(ready.status).toBe(503);
    expect(ready.text).toMatch(
      /^Tidemark is not ready: no store that answers has partition 0: the store http:.* ECONNREFUSED/,
    );
    return true;
  });
  expect(await answerOf(query.url, '/api/v1/query?query=up')).toMatchObject({
    status: 503,
    text: expect.stringMatching(/"errorType":"execution","error":"no store has said yet what it has; .*ECONNREFUSED/),
  });
  expect(query.logs).toMatch(/warn query: a store does not answer; it is asked again/);
  expect(query.logs).toMatch(/and is not ready yet: no store that answers has partition 0: /);
  expect(query.logs).not.toContain(' is ready.');

  await using store = await startTidemark({
    port,
    args: ['--roles', 'collect,ingest,repartition,rollup,store'],
    env: { TIDEMARK_COLLECTOR_HOST: 'false' },
  });
  await until('it is ready', 30_000, async () => {
    expect(await answerOf(query.url, '/-/ready')).toEqual({ status: 200, text: 'Tidemark is ready.\n' });
    return true;
  });
  await until('it says so', 5_000, async () => query.logs.includes(' is ready.') || undefined);
  const pushed = await fetch(`${stored}/api/v1/import/prometheus`, { method: 'POST', body: TEXT });
  expect(pushed.status).toBe(200);
  // Strong: what was just acknowledged is in it.
  const rooms = await vector(query.url, 'sum by (room) (room_temperature) * on (room) group_left doors_open');
  expect(rooms.map(({ metric, value }) => [metric['room'], value[1]])).toEqual([['b', '19']]);
  expect(await ask(query.url, 'label/room/values', {})).toEqual(['a', 'b']);
  expect(await ask(query.url, 'series', { 'match[]': 'doors_open' })).toEqual([{ __name__: 'doors_open', room: 'b' }]);
  expect(await ask(query.url, 'metadata', { metric: 'room_temperature' })).toEqual({
    room_temperature: [{ type: 'gauge', help: 'How warm a room is.', unit: '' }],
  });
  expect(await ask(query.url, 'status/tsdb', {})).toMatchObject({
    headStats: { numSeries: 3 },
    seriesCountByMetricName: [
      { name: 'room_temperature', value: 2 },
      { name: 'doors_open', value: 1 },
    ],
  });
  const federated = await answerOf(query.url, '/federate?match[]={__name__=~"room.*"}');
  expect(federated.text).toMatch(/^# HELP room_temperature How warm a room is\.\n# TYPE room_temperature gauge\n/);
  const states = (await (await fetch(`${stored}/internal/v1/store/state`)).json()) as { owned: number[] };
  expect(states.owned).toEqual([0, 1, 2, 3]);

  // A delete goes by any store to the log, and is done when all have read it.
  const admin = (path: string) => fetch(`${query.url}/api/v1/admin/tsdb/${path}`, { method: 'POST' });
  expect((await admin('delete_series?match[]=room_temperature{room="a"}')).status).toBe(204);
  expect((await vector(query.url, 'room_temperature')).map(({ metric }) => metric['room'])).toEqual(['b']);
  expect((await admin('clean_tombstones')).status).toBe(204);
  const snapshot = await admin('snapshot');
  expect([snapshot.status, await snapshot.text()]).toEqual([
    400,
    expect.stringContaining(`ask a store itself, ${stored}`),
  ]);

  await store.kill9();
  const without = await answerOf(query.url, '/api/v1/query?query=room_temperature');
  expect(without.status).toBe(503);
  expect(without.text).toMatch(/"errorType":"execution","error":"nobody answers for partition \d: /);
  expect((await admin('delete_series?match[]=room_temperature')).status).toBe(503);
  const partial = await answerOf(query.url, '/api/v1/query?query=room_temperature&partial_response=true');
  expect(partial.status).toBe(200);
  expect(partial.text).toMatch(/"result":\[\].*"warnings":\["the answer is not whole: /);
  // Ready it stays: others may have what this one lacks.
  expect((await answerOf(query.url, '/-/ready')).status).toBe(200);

  await store.restart();
  await until('it is found again', 30_000, async () => {
    expect((await vector(query.url, 'room_temperature')).length).toBe(1);
    return true;
  });
  expect(await query.stop()).toEqual({ code: 0, signal: null });
});

test('one that is told to query with nothing to ask is refused', async () => {
  await expect(startTidemark({ args: ['--roles', 'query'] })).rejects.toThrow(
    /name processes that store in query\.stores/,
  );
});

test('a folder, and a snapshot of it, go on being of one store', { timeout: 120_000 }, async () => {
  const roles = ['--roles', 'ingest,repartition,store'];
  await using store = await startTidemark({ args: roles, env: { TIDEMARK_STORE_ZONE: 'b' } });
  expect((await (await fetch(`${store.url}/internal/v1/store/state`)).json()) as object).toMatchObject({ zone: 'b' });
  const taken = await fetch(`${store.url}/api/v1/admin/tsdb/snapshot`, { method: 'POST' });
  const { data } = (await taken.json()) as { data: { name: string } };
  await store.stop();
  const dataFolder = join(store.dataFolder, 'snapshots', data.name);
  const refused = startTidemark({ args: roles, dataFolder });
  await expect(refused).rejects.toThrow(/belongs to store 0 of 1 in zone b, the configuration says store 0 of 1;/);
  await using again = await startTidemark({ args: roles, dataFolder, env: { TIDEMARK_STORE_ZONE: 'b' } });
  expect((await again.stop()).code).toBe(0);
});
