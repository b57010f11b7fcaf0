import { writeFile } from 'node:fs/promises';
import { generatedPages } from './pages.ts';

// `npm run docs`

const ROOT = new URL('../../../../', import.meta.url);

for (const [path, text] of await generatedPages()) {
  await writeFile(new URL(path, ROOT), text);
  process.stdout.write(`${path}\n`);
}
