import { expect, test } from 'vitest';
import { listenOn } from './http.ts';

test('an address may be as long as Go lets it be, and no longer', async () => {
  const listening = await listenOn('127.0.0.1:0');
  try {
    listening.serve(({ url }, response) => void response.end(String(url?.length)));
    const ask = async (length: number) => {
      const response = await fetch(`${listening.url}/${'a'.repeat(length - 1)}`);
      return [response.status, await response.text()];
    };
    expect(await ask(900_000)).toEqual([200, '900000']);
    expect(await ask(1_100_000)).toEqual([431, '']);
  } finally {
    await listening.close(0);
  }
});
