// Who silences: asked once, remembered in this browser.

const storeKey = 'tidemark-author';

export function knownAuthor(): string {
  try {
    return localStorage.getItem(storeKey) ?? '';
  } catch {
    return ''; // Storage is switched off.
  }
}

export function rememberAuthor(author: string): void {
  try {
    localStorage.setItem(storeKey, author);
  } catch {
    // Asked again next time.
  }
}
