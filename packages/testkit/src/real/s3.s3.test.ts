import { expect, test } from 'vitest';
import { startS3 } from './s3.ts';

test('it answers, is killed, starts again on the same port, and is gone when disposed', async () => {
  const s3 = await startS3({ own: true });
  const status = async () => (await fetch(`${s3.endpoint}/${s3.bucket}`)).status;
  try {
    expect(await status()).toBe(403);
    await s3.process?.kill9();
    await expect(status()).rejects.toThrow();
    await s3.restart();
    expect(await status()).toBe(403);
  } finally {
    await s3.stop();
  }
  await expect(status()).rejects.toThrow();
});
